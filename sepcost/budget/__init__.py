"""What a network may cost: budgets read from configuration, values judged against them."""
