"""What comes from the forms of the preferences page, and from a mail program's own button."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import parse_qs

from fastapi import Depends, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from keepwell.contracts.people import Consent, Purpose


class Said(BaseModel):
    """One form. `wanted` and `none` are its boxes, `consent` what stood before a change to be undone."""

    one_click: str = Field(default="", alias="List-Unsubscribe")
    do: Literal["", "stop", "save", "undo"] = ""
    wanted: tuple[Purpose, ...] = ()
    none: str = ""
    consent: Consent = Consent.UNKNOWN

    @property
    def by_button(self) -> bool:
        """Whether a mail program says it (RFC 8058), not a form of ours."""
        return self.one_click == "One-Click"


async def _said(request: Request) -> Said | None:
    """The form that was sent, None where it is none of ours.

    Not every mail program names the type of what it sends; the body is the same for all of them.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        try:
            # No form of ours has many fields, or a file.
            form = await request.form(max_files=0, max_fields=20)
        except HTTPException:
            return None
        fields = {name: [str(value) for value in form.getlist(name)] for name in form}
    else:
        text = (await request.body()).decode("utf-8", errors="replace")
        try:
            fields = parse_qs(text.strip(), keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return None
    single = {name: values[-1] for name, values in fields.items() if name != "wanted"}
    try:
        return Said.model_validate({**single, "wanted": fields.get("wanted", [])})
    except ValidationError:
        return None


FormSaid = Annotated[Said | None, Depends(_said)]
"""The parameter of an endpoint that gets it."""
