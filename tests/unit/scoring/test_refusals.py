"""Each mistake in a scorecard is refused with its line, its key and a reason that says what is right."""

import pickle

import pytest

from scoring.errors import ScorecardError
from scoring.load import parse_scorecard

ACTIVE = "[metrics.active]"
LINEAR = "normalise = { kind"
TABLE = "points = [[-50, 0], [0, 60], [25, 100]]"
STEPS = "points = [[1, 100], [7, 75], [30, 50]]"
MONEY = "[categories.money]"
SPARE = "[categories.spare]"
CALLS = 'normalise = { kind = "linear", worst = 0, best = 50 }'
LOG = f"{ACTIVE} normalise"
HEAD = 'name = "a"\nversion = 1\ntitle = "A"\ndescription = "B"\n'
DUE, TALK = "due_days = 7", 'action = "Talk."'
REVIEWS = 'action = "Act."'


def log(worst: str, best: str) -> str:
    return f'normalise = {{ kind = "logarithm", worst = {worst}, best = {best} }}'


def half(length: str) -> str:
    return f'normalise = {{ kind = "half_life", half_life = {length} }}'


# what is replaced, by what (once), how the line of the place begins, the key, part of the reason
CASES = [
    ("version = 1", "version = 1\nversoin = 2", "versoin", "versoin", "did you mean 'version'?"),
    ("version = 1\n", "", "name", "version", "is missing; it must be a whole number from 1"),
    ("version = 1", "version = 0", "version", "version", "is 0, but must be greater than or equal to 1"),
    ("version = 1", "version = 1.5", "version", "version", "whole number"),
    ("version = 1", "version = true", "version", "version", "is true, but must be a whole number"),
    ('"Small"', "2026-11-21", "title", "title", "is the date or time 2026-11-21, but"),
    ('"Small"', '" "', "title", "title", "not be blank"),
    ('name = "small"', 'name = "Small One"', "name", "name", "lower-case letters"),
    ("margin = 3.0", "margin = 60", "margin", "[guard] margin", "less than or equal to 50"),
    ("margin = 3.0", "margin = nan", "margin", "[guard] margin", "finite number"),
    ("agreeing_days = 2", "agreeing_days = 3", "agreeing", "[guard] agreeing", "less than or equal to 2"),
    ("margin = 3.0", "magrin = 3.0", "magrin", "[guard] magrin", "did you mean 'margin'?"),
    ("[guard]", "coverage_minimum = 1.5\n[guard]", "coverage", "coverage_minimum", "less than or equal to 1"),
    ("from = 60", "from = 160", "from = 160", "[[bands]] no. 1 from", "less than or equal to 100"),
    ("from = 60", 'from = "60"', "from", "[[bands]] no. 1 from", 'is "60", but must be a number (the lowest'),
    ("from = 60", "lower = 60", "lower", "[[bands]] no. 1 lower", "unknown key"),
    ("from = 40", "from = 60", "from = 60", "[[bands]] no. 2 from", "each band needs its own border"),
    ("from = 40", "from = 70", "from = 70", "[[bands]] no. 2 from", "from the highest border to the lowest"),
    ("from = 0", "from = 5", "from = 5", "[[bands]] no. 3 from", "the last band must begin at 0"),
    ('"Fair"', '"Good"', 'name = "Good"', "[[bands]] no. 2 name", "each name may be used once"),
    ('"AT_RISK"', '"RISKY"', "level", "[[bands]] no. 2 level", "one of THRIVING, HEALTHY, AT_RISK"),
    ('"AT_RISK"', '"THRIVING"', "level", "[[bands]] no. 2 level", "levels may only get worse"),
    ('action = "Talk."\n', "", "[[bands]]", "[[bands]] no. 2 action", "is missing"),
    ("weight = 25", "weight = 20", "weight = 20", f"{MONEY} weight", "metrics' weights add up to 25.0"),
    (f"{MONEY}\ntitle", "[categories.spare]\ntitle", "category", "[metrics.last_login]", "use, spare"),
    (MONEY, f"{SPARE}\ntitle = 'S'\nweight = 5\n{MONEY}", SPARE, SPARE, "no metric belongs"),
    ("weight = 50", "weight = 47", ACTIVE, "metrics", "add up to 97.0, they must add up to 100"),
    ("weight = 50", "weight = -50", "weight = -50", f"{ACTIVE} weight", "greater than 0"),
    ("weight = 50", "weight = inf", "weight = inf", f"{ACTIVE} weight", "finite number"),
    ("weight = 50", 'weight = "50 %"', "weight =", f"{ACTIVE} weight", 'is "50 %", but must be a number'),
    ("weight = 50\n", "", ACTIVE, f"{ACTIVE} weight", "is missing; it must be percent points"),
    ("weight = 50", "wieght = 50", "wieght", f"{ACTIVE} wieght", "did you mean 'weight'?"),
    ('title = "Active', 'name = "a"\ntitle = "Active', 'name = "a"', f"{ACTIVE} name", "unknown key"),
    (ACTIVE, "[metrics.Active]", "[metrics.Active]", "[metrics.Active] name", "lower-case letters"),
    ('unit = "percent"', 'unit = "per cent"', "unit", f"{ACTIVE} unit", "one of percent, percent_change"),
    ("minimum = 0", "minimum = 100", "minimum = 100", f"{ACTIVE} minimum", "must be below maximum 100"),
    ("maximum = 100", "maximum = 40", LINEAR, f"{ACTIVE} normalise", "from 0 to 50, but only 0 to 40"),
    ("max_age_days = 14", "max_age_days = 0", "max_age", f"{ACTIVE} max_age_days", "greater than 0"),
    ("best = 50", "best = 0", LINEAR, f"{ACTIVE} normalise", "worst and best are both 0"),
    ("best = 50", "best = nan", LINEAR, f"{ACTIVE} normalise.best", "finite number"),
    (", best = 50", "", LINEAR, f"{ACTIVE} normalise.best", "is missing; it must be the raw value"),
    ("best = 50", "bset = 50", LINEAR, f"{ACTIVE} normalise", "did you mean 'best'?"),
    ('"linear"', '"liner"', LINEAR, f"{ACTIVE} normalise", "has the unknown kind 'liner'; it must be { kind"),
    ('kind = "linear", ', "", "normalise = { worst", f"{ACTIVE} normalise", "has no kind"),
    ('"{target} are', '"They are', "success", f"{ACTIVE} success", "must contain {target}"),
    ('"{target} are', '"{target} of {all} are', "success", f"{ACTIVE} success", "no other braces"),
    ('owner = "csm"', 'owner = "boss"', "owner", f"{ACTIVE} owner", "one of csm, customer, support, product"),
    ("due_days = 7", "due_days = 0", "due_days = 0", f"{ACTIVE} due_days", "greater than or equal to 1"),
    (TABLE, "points = [[0, 0], [0, 60]]", LINEAR, "[metrics.trend] normalise", "must rise from pair to pair"),
    (TABLE, "points = [[0, 0], [1, 60], [2, 50]]", LINEAR, "[metrics.trend]", "only rise or only fall"),
    (TABLE, "points = [[0, 50], [1, 50]]", LINEAR, "[metrics.trend] normalise", "all points are 50"),
    (TABLE, "points = [[0, 50]]", LINEAR, "[metrics.trend] normalise", "a table needs two or more"),
    (TABLE, "points = [[0, 0], [1, 101]]", LINEAR, "[metrics.trend] normalise.points no. 2", "equal to 100"),
    (TABLE, "points = [[0, 0], [1, inf]]", LINEAR, "[metrics.trend] normalise.points no. 2", "finite number"),
    (TABLE, "points = [[0, 0], [1]]", LINEAR, "[metrics.trend] normalise.points no. 2", "is missing"),
    (STEPS, "points = []", LINEAR, "[metrics.last_login] normalise", "one or more pairs"),
    (STEPS, "points = [[1, 50], [7, 75]]", LINEAR, "[metrics.last_login] normalise", "above the one before"),
    (STEPS, "points = [[1, 50]], otherwise = 50", LINEAR, "[metrics.last_login] normalise", "50, 50"),
    (TABLE, "points = [[0, 0], [1e-12, 60]]", LINEAR, "[metrics.trend] normalise", "are nearer than 1e-09"),
    (CALLS, log("0", "0"), LINEAR, LOG, "worst and best are both 0"),
    (CALLS, log("-1", "9"), LINEAR, f"{LOG}.worst", "greater than or equal to 0 (the raw value that gives 0"),
    (CALLS, log("0", "inf"), LINEAR, f"{LOG}.best", "finite number"),
    (CALLS, log("40", "40.00000000000001"), LINEAR, LOG, "are too near each other"),
    (CALLS, log("0", "50, base = 10"), LINEAR, LOG, "unknown key; known: kind, worst, best"),
    (CALLS, log("0", "500"), LINEAR, LOG, "it uses raw values from 0 to 500, but only 0 to 100 are allowed"),
    (CALLS, half("0"), LINEAR, f"{LOG}.half_life", "greater than 0 (the raw value that gives 50 points"),
    (CALLS, half("1e-12"), LINEAR, LOG, "it must be at least 1e-09"),
    (CALLS, half("nan"), LINEAR, f"{LOG}.half_life", "finite number"),
    (CALLS, half("7, worst = 9"), LINEAR, LOG, "unknown key; known: kind, half_life"),
    (CALLS, 'normalise = { kind = "log2" }', LINEAR, LOG, "has the unknown kind 'log2'; it must be { kind"),
    (CALLS, 'normalise = { kind = "half_life" }', LINEAR, f"{LOG}.half_life", "is missing; it must be"),
    (DUE, f"{DUE}\ndefault = 101", "default", f"{ACTIVE} default", "equal to 100 (points from 0"),
    (DUE, f"{DUE}\ndefault = -1", "default", f"{ACTIVE} default", "greater than or equal to 0"),
    (DUE, f"{DUE}\ndefault = nan", "default", f"{ACTIVE} default", "finite number"),
    (DUE, f"{DUE}\ndefault = '50'", "default", f"{ACTIVE} default", 'is "50", but must be a number'),
    (DUE, f"{DUE}\nbetter = 'lower'", "better", f"{ACTIVE} better", "says that lower values are good, but"),
    (DUE, f"{DUE}\nbetter = 'up'", "better", f"{ACTIVE} better", '"higher" or "lower": which raw values'),
    (DUE, f"{DUE}\nsource = ' '", "source", f"{ACTIVE} source", "not be blank (where the numbers come from"),
    ("[guard]", "source = 1\n[guard]", "source", "source", "is 1, but must be a text in quotes"),
    ("[guard]", "trend_threshold = 0\n[guard]", "trend", "trend_threshold", "greater than 0 (points up"),
    (TALK, f"{TALK}\nreview_days = 0", "review", "[[bands]] no. 2 review_days", "greater than or equal to 1"),
    (TALK, f"{TALK}\nreview_days = 1.5", "review", "[[bands]] no. 2 review_days", "must be a whole number"),
    (TALK, f"{TALK}\nreview = 7", "review", "[[bands]] no. 2 review", "did you mean 'review_days'?"),
    (REVIEWS, f"{REVIEWS}\nreview_days = 30", "review", "[[bands]] no. 3 review_days", "must not wait"),
    ("[guard]", "metrics_extra = 1\n[guard]", "metrics_extra", "metrics_extra", "did you mean 'metrics'?"),
    ("[guard]\n", "[guards]\n", "[guards]", "guards", "did you mean 'guard'?"),
]  # fmt: skip


def test_a_metric_has_a_name_that_a_store_has_room_for(small_text: str) -> None:
    longest, one_more = "m" * 60, "m" * 61
    named = small_text.replace("[metrics.last_login", f"[metrics.{longest}")
    assert longest in parse_scorecard(named, "mine.toml").metric_names
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(named.replace(longest, one_more), "mine.toml")
    assert [p.place.key for p in caught.value.problems] == [f"[metrics.{one_more}] name"]
    assert "has 61 characters; a metric's name has 60 at most" in str(caught.value)


@pytest.mark.parametrize("case", CASES, ids=[f"{case[3]}: {case[4]}" for case in CASES])
def test_a_mistake_is_refused_with_its_place(small_text: str, case: tuple[str, str, str, str, str]) -> None:
    old, new, line, key, reason = case
    assert old in small_text
    text = small_text.replace(old, new, 1)
    if old == REVIEWS:
        text = text.replace(TALK, f"{TALK}\nreview_days = 7")
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(text, "mine.toml")
    matching = [p for p in caught.value.problems if p.place.key.startswith(key) and reason in p.reason]
    assert matching, str(caught.value)
    place = matching[0].place
    assert text.split("\n")[place.line - 1].startswith(line)
    assert f"mine.toml:{place.line} {place.key}: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        ('name = "a"\n[metrics]\nactive = 5\n', 3, "[metrics.active]", "must be a table [metrics.active]"),
        ('name = "a"\nmetrics = 5\n', 2, "metrics", "must be tables like [metrics.NAME]"),
        ('name = "a"\nbands = 5\n', 2, "bands", "each with the header [[bands]]"),
        ('name = "a"\nguard = 5\n', 2, "[guard]", "a table with margin"),
        (f"{HEAD}bands = []\n[categories]\n[metrics]\n", 5, "bands", "needs one or more bands"),
        (f"{HEAD}bands = []\n[categories]\n[metrics]\n", 7, "metrics", "needs one or more metrics"),
        ('name = "a"\n', 1, "metrics", "is missing; it must be [metrics.NAME] tables"),
    ],
)
def test_a_wrong_shape_is_refused(text: str, line: int, key: str, reason: str) -> None:
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(text, "mine.toml")
    found = [p for p in caught.value.problems if p.place.key == key]
    assert [p.place.line for p in found] == [line]
    assert reason in found[0].reason


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(small_text: str) -> None:
    text = small_text.replace("margin = 3.0", "margin = -1").replace("due_days = 3", "due_days = 0")
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(text, "mine.toml")
    assert [p.place.key for p in caught.value.problems] == ["[guard] margin", "[metrics.last_login] due_days"]
    assert str(caught.value).count("\n") == 1
    assert caught.value.place == caught.value.problems[0].place


def test_rules_among_the_sound_parts_are_told_with_the_mistakes_in_others(small_text: str) -> None:
    text = small_text.replace("margin = 3.0", "margin = -1").replace("due_days = 3", "due_days = 0")
    text = text.replace("from = 40", "from = 70").replace("best = 50 }", "best = 50 }\nbetter = 'lower'")
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(text, "mine.toml")
    assert [problem.place.key for problem in caught.value.problems] == [
        "[guard] margin",
        "[[bands]] no. 2 from",
        "[metrics.active] better",
        "[metrics.last_login] due_days",
    ]
    lines = [problem.place.line for problem in caught.value.problems]
    assert lines == sorted(lines)


def test_weights_are_not_judged_while_a_metric_cannot_be_read(small_text: str) -> None:
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(small_text.replace("weight = 50", "weight = 'half'"), "mine.toml")
    assert [problem.place.key for problem in caught.value.problems] == ["[metrics.active] weight"]


def test_a_header_or_key_inside_a_string_is_not_taken_for_the_real_one(small_text: str) -> None:
    decoy = 'description = """\n[metrics.active]\nweight = 1\n"""'
    text = small_text.replace('description = "For sums by hand."', decoy)
    text = text.replace("weight = 50", "weight = 'x'")
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(text, "mine.toml")
    assert text.split("\n")[caught.value.place.line - 1] == "weight = 'x'"


def test_the_error_survives_pickling(small_text: str) -> None:
    with pytest.raises(ScorecardError) as caught:
        parse_scorecard(small_text.replace("version = 1", ""), "mine.toml")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.place) == (str(caught.value), caught.value.place)
