"""A scorecard small enough to compute by hand, and a builder of bare ones."""

import pytest

from scoring.load import builtin, parse_scorecard
from scoring.scorecard import Scorecard

SMALL = """\
name = "small"
version = 1
title = "Small"
description = "For sums by hand."

[guard]
margin = 3.0
agreeing_days = 2

[[bands]]
name = "Good"
from = 60
level = "HEALTHY"
action = "Keep going."

[[bands]]
name = "Fair"
from = 40
level = "AT_RISK"
action = "Talk."

[[bands]]
name = "Bad"
from = 0
level = "CRITICAL"
action = "Act."

[categories.use]
title = "Use"
weight = 75

[categories.money]
title = "Money"
weight = 25

[metrics.active]
category = "use"
weight = 50
title = "Active rate"
unit = "percent"
minimum = 0
maximum = 100
max_age_days = 14
normalise = { kind = "linear", worst = 0, best = 50 }
low = "few are active"
action = "Train them."
success = "{target} are active."
owner = "csm"
due_days = 7

[metrics.trend]
category = "use"
weight = 25
title = "Trend"
unit = "percent_change"
normalise = { kind = "table", points = [[-50, 0], [0, 60], [25, 100]] }
low = "use shrinks"
action = "Ask why."
success = "A change of {target}."
owner = "csm"
due_days = 7

[metrics.last_login]
category = "money"
weight = 25
title = "Time since the last login"
unit = "days"
minimum = 0
normalise = { kind = "steps", better = "lower", points = [[1, 100], [7, 75], [30, 50]] }
low = "nobody logs in"
action = "Call."
success = "A login within {target}."
owner = "customer"
due_days = 3
"""


@pytest.fixture(scope="session")
def small_text() -> str:
    return SMALL


@pytest.fixture(scope="session")
def small() -> Scorecard:
    return parse_scorecard(SMALL, "small.toml")


@pytest.fixture(scope="session")
def intervention() -> Scorecard:
    return builtin("intervention")
