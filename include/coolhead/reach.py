"""From an audience to the accounts that one post of it reaches."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    import pandas as pd


class ReachFactor(BaseModel):
    """`reach_factor` of brands.yaml: what share of an audience a post reaches, `small` below `below` accounts, `large` from
    `above`, linear between [Sprinklr's documentation of estimated reach]."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    small: Annotated[float, Field(ge=0, le=1)] = 0.15
    large: Annotated[float, Field(ge=0, le=1)] = 0.06
    below: Annotated[int, Field(ge=0)] = 100_000
    above: Annotated[int, Field(ge=1)] = 10_000_000

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.above <= self.below:
            raise ValueError(f"above {self.above:,} must be more than below {self.below:,}")
        return self

    def of(self, audience: "pd.Series") -> "pd.Series":
        """Estimated reach of each audience; unknown where the audience is."""
        import numpy as np
        import pandas as pd

        known = pd.to_numeric(audience).astype("float64")
        factor = np.interp(known, [self.below, self.above], [self.small, self.large])
        return known * factor
