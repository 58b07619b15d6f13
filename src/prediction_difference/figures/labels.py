"""What is said beside a row of pictures, and how much room that takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from prediction_difference.figures import style
from prediction_difference.figures.canvas import Canvas

WIDTH = 1.7  # inches
_HEADING_LETTERS, _LETTERS = 21, 27
_HEADING_LINE, _LINE, _GAP = 0.14, 0.132, 0.03  # inches


@dataclass(frozen=True)
class Label:
    """A name, what is known about it, and whether the classifier is wrong about it."""

    name: str
    facts: Sequence[str]
    is_wrong: bool = False

    @property
    def _heading(self) -> str:
        """The name on two lines; of a longer one the end, which tells files apart."""
        longest = 2 * _HEADING_LETTERS
        name = self.name if len(self.name) <= longest else f"…{self.name[1 - longest :]}"
        if len(name) <= _HEADING_LETTERS:
            return name
        ends = [name.rfind(sign, 0, _HEADING_LETTERS) + 1 for sign in "/_- "]
        fitting = [end for end in ends if end and len(name) - end <= _HEADING_LETTERS]
        break_at = fitting[0] if fitting else _HEADING_LETTERS
        return f"{name[:break_at]}\n{name[break_at:]}"

    @property
    def _words(self) -> str:
        return "\n".join(style.wrap(fact, _LETTERS, 2) for fact in self.facts)

    @property
    def _tops(self) -> tuple[float, float, float]:
        """Where the facts, the verdict and what is below begin, in inches below the top."""
        facts = _HEADING_LINE * (self._heading.count("\n") + 1) + _GAP
        verdict = facts + _LINE * (self._words.count("\n") + 1) + _GAP
        return facts, verdict, verdict + (_LINE + _GAP) * self.is_wrong

    @property
    def height(self) -> float:
        """In inches."""
        return self._tops[-1]

    def draw(self, canvas: Canvas, left: float, top: float) -> None:
        """Write the label below `top`."""
        facts, verdict, _ = self._tops
        canvas.text(left, top, self._heading, weight="bold")
        canvas.text(left, top + facts, self._words, size=7.5)
        if self.is_wrong:
            colour = style.FOR
            canvas.text(
                left, top + verdict, "misclassified", size=7.5, weight="bold", colour=colour
            )
