"""The simulator's actions as Hypothesis rules, which finds and shrinks sequences of its own."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from rotation.core.values import Step
from rotation_testkit.fault_lab.in_memory.vendor_classes import FLEET_CLASSES
from rotation_testkit.fault_lab.random_fleets.play.fleet import Fleet
from rotation_testkit.fault_lab.random_fleets.play.settle import settle

NAMED = st.tuples(
    st.sampled_from(("set_password", "verify", "poll", "stop", "start", "move", "stage", "attach", "detach")),
    st.integers(1, 2),
)
KINDS_OF_FAULTS = ("crash", "crash-after", "lost", "unknown", "fail", "throttle", "twice")
FAULT = st.one_of(
    st.builds(lambda at, kind: {"at": at, "kind": kind}, st.integers(1, 45), st.sampled_from(KINDS_OF_FAULTS)),
    st.builds(
        lambda at, kind: {"at": at[0], "nth": at[1], "kind": kind}, NAMED, st.sampled_from((*KINDS_OF_FAULTS, "slow"))
    ),
)
FAULTS = st.lists(FAULT, max_size=2)
OUTSIDE = st.one_of(
    st.builds(lambda put: {"do": "console", "put": put}, st.booleans()),
    st.builds(lambda back: {"do": "restore", "back": back}, st.integers(0, 3)),
    st.builds(lambda back: {"do": "snapshot", "back": back}, st.integers(1, 3)),
    st.builds(lambda to: {"do": "policy", "to": to}, st.integers(0, 2)),
    st.builds(lambda what: {"do": "strip", "what": what}, st.sampled_from(("pending", "previous", "marks", "all"))),
    st.builds(lambda strip: {"do": "cancel", "strip": strip}, st.booleans()),
    st.builds(lambda times: {"do": "typos", "times": times}, st.integers(1, 4)),
)


class AnyFleet(RuleBasedStateMachine):
    """One account; every rule checks every invariant, and in the end everything heals."""

    fleet: Fleet | None = None

    @initialize(kind=st.sampled_from(tuple(FLEET_CLASSES)))
    def begin(self, kind):
        """Choose the vendor's class."""
        self.fleet = Fleet([kind])

    @rule(faults=FAULTS, skew=st.sampled_from((0.0, 0.0, -8.0, 8.0)))
    def attempt(self, faults, skew):
        """The service rotates."""
        self.fleet.apply({"do": "attempt", "faults": faults, "skew": skew})

    @rule(seconds=st.sampled_from((10, 60, 600, 4000)))
    def wait(self, seconds):
        """Time passes."""
        self.fleet.apply({"do": "wait", "seconds": seconds})

    @rule(action=OUTSIDE)
    def outside(self, action):
        """Somebody else does something."""
        self.fleet.apply(action)

    @rule(turns=st.integers(0, 1000), faults=FAULTS)
    def parallel(self, turns, faults):
        """Two invocations at once."""
        runs = [{"do": "attempt", "faults": faults}, {"do": "attempt"}]
        self.fleet.apply({"do": "parallel", "runs": runs, "turns": turns})

    @precondition(lambda self: self.fleet is not None and self.fleet.members[0].tokens)
    @rule(step=st.sampled_from(tuple(Step)), back=st.integers(1, 3))
    def late(self, step, back):
        """An event is delivered again."""
        self.fleet.apply({"do": "step", "step": step, "back": back})

    def teardown(self):
        """The faults stop."""
        if self.fleet is not None:
            settle(self.fleet)


TestAnyFleet = AnyFleet.TestCase
TestAnyFleet.settings = settings(
    max_examples=60,
    stateful_step_count=8,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
