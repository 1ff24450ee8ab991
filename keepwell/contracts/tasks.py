"""What people do with tasks."""

from enum import StrEnum


class TaskOutcome(StrEnum):
    """What came of a task, in a word."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    LEFT_MESSAGE = "left_message"
    MEETING_BOOKED = "meeting_booked"
    RESOLVED = "resolved"
    DONE = "done"
    NOT_NEEDED = "not_needed"

    @property
    def words(self) -> str:
        """As people say it."""
        return self.value.replace("_", " ")
