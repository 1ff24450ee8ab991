"""The settings: one page for each group, with tabs. Staff may read them; who may configure changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi.responses import HTMLResponse

from keepwell.console.view import View
from keepwell.contracts.access import Permission

PATH: Final = "/console/settings"


@dataclass(frozen=True)
class Tab:
    """A group of settings; `needs` is the permission to see it."""

    name: str
    label: str
    about: str
    needs: Permission = Permission.READ

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"{PATH}/{self.name}"


TABS: Final = (
    Tab("organisation", "Organisation", "Who you are to your customers, and how playbooks begin."),
    Tab("hours", "Hours and caps", "When messages may go out, and how many."),
    Tab("days", "Closed days", "Public holidays, and days of your own."),
    Tab("alerts", "Alert rules", "What raises an alert, and from which points on."),
    Tab("channels", "Channels", "How alerts reach people."),
    Tab("webhooks", "Webhooks", "Other programs that hear of what happens.", Permission.OPERATE),
    Tab("staff", "Staff", "Who there is, who is away, and who stands in."),
    Tab("scorecards", "Scorecards", "How metrics become a score and a level."),
    Tab("access", "Access", "Who signs in, and which programs may ask.", Permission.CONFIGURE),
    Tab("sending", "Sending", "Whether messages go out at all."),
)


def settings_page(view: View, tab: str, values: Mapping[str, Any]) -> HTMLResponse:
    """The page of a group, from the template of its name."""
    shown = [one for one in TABS if view.may(one.needs)]
    own = next(one for one in TABS if one.name == tab)
    mine = {"tabs": shown, "tab": own, "may": view.may(Permission.CONFIGURE)}
    return view.page(f"settings_{tab}.html.j2", {**mine, **values})
