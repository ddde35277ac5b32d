"""A line of the table of growth."""
import dataclasses


@dataclasses.dataclass
class Line:
    what: str
    size: str
    work: float
    """How much of it there is, to compare with another size."""
    values: dict
    """By the name of the program."""
    is_flat: bool = False
    """Whether it should stay as it is when the work grows."""
    is_rate: bool = False
    """Whether more of it is better."""
