"""Any network runs in its arena: no layer overwrites what is read later."""

from hypothesis import given

from sepcost.cost import branches
from tests.cost.replay import replay
from tests.laws.effort import networks
from tests.laws.files import counted
from tests.laws.models import nets


@given(nets())
@networks(40)
def test_no_layer_overwrites_what_is_read_later(net):
    analysis = counted(net)
    network, found = analysis.network, analysis.arena
    running = [each for each in network.layers if branches.may_run(each, network.choices)]
    replay(network, running, found)
    assert found.least_bytes <= found.size_bytes
