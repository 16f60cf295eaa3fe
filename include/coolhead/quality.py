"""The quality gate: one Great Expectations run over the new mentions of all sources at once.

Its suite comes from the row's declaration (schema.py) plus what one row cannot say. Only expectations on columns
refuse rows; what they find about the whole table is a remark for the operator, and holds nothing back: a gate that
refused a jump in volume would suppress the very firestorm it should let through.
Great Expectations costs seconds to import, so this module is imported by the gate's task only.
"""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from coolhead import failpoint, schema
from coolhead.clock import Clock
from coolhead.errors import QualityError
from coolhead.intake import dirty
from coolhead.rows import Match, Mention, Quarantined, key_of
from coolhead.store import Store

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # before the import: nothing is sent anywhere
BATCH = 50_000
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Gate:
    """What one run of the gate found."""

    rows: int
    refused: int
    remarks: list[str]


def suite_of(row: type[schema.Row]) -> list[Any]:
    """The row's expectations as Great Expectations objects, and those that need more than one column or row."""
    import great_expectations.expectations as gxe

    own = [getattr(gxe, name)(**arguments) for name, arguments in schema.expectations(row)]
    return [
        *own,
        gxe.ExpectColumnValuesToBeBetween(column="published_at", min_value=EARLIEST),
        gxe.ExpectColumnValuesToMatchRegex(column="url", regex=r"^https?://"),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["source", "day", "native_id"]),
        gxe.ExpectColumnValuesToMatchRegex(
            column="text", regex=r"\S", mostly=0.9, meta={"remark": "more than a tenth has no text"}
        ),
    ]


def check(frame: pd.DataFrame, expectations: Sequence[Any]) -> tuple[dict[int, list[str]], list[str]]:
    """Run a suite on a frame with a 0..n-1 index. Returns row -> reasons, and remarks on the table.

    Raises QualityError where an expectation itself failed to run: an exception is no pass.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        batch = (
            context.data_sources.add_pandas("memory").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("new")
        )
        suite = context.suites.add(gx.ExpectationSuite(name="rows", expectations=list(expectations)))
        definition = context.validation_definitions.add(gx.ValidationDefinition(name="gate", data=batch, suite=suite))
        result = definition.run(
            batch_parameters={"dataframe": frame.assign(_row=frame.index)},
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["_row"]},
        )
    reasons: dict[int, list[str]] = {}
    remarks: list[str] = []
    for found in result.results:
        config = found.expectation_config
        if (found.exception_info or {}).get("raised_exception"):
            raise QualityError(f"quality gate: {config.type} could not be checked: {found.exception_info}")
        if config.meta and "remark" in config.meta:
            remarks += [] if found.success else [config.meta["remark"]]
            continue
        for item in found.result.get("unexpected_index_list") or []:
            reasons.setdefault(item["_row"], []).append(_words(config))
    return reasons, remarks


def _words(config: Any) -> str:
    """`column: what was expected of it`."""
    rest = {k: v for k, v in config.kwargs.items() if k not in ("column", "column_list", "batch_id") and v is not None}
    where = config.kwargs.get("column") or "+".join(config.kwargs.get("column_list", []))
    return f"{where}: {config.type.removeprefix('expect_').replace('_', ' ')}" + (f" ({rest})" if rest else "")


def gate(store: Store, clock: Clock) -> Gate:
    """Run the gate over all mentions it has not seen; refused ones move to the quarantine."""
    total, refused, remarks = 0, 0, list[str]()
    expectations: list[Any] = []
    while mentions := store.ungated(BATCH):
        expectations = expectations or suite_of(Mention)
        frame = pd.DataFrame([m.model_dump() for m in mentions]).astype(schema.dtypes(Mention))
        reasons, found = check(frame, expectations)
        bad = {i: "; ".join(reasons[i]) for i in sorted(reasons)}
        _apply(store, clock, mentions, bad)
        total, refused, remarks = total + len(mentions), refused + len(bad), [*remarks, *found]
    return Gate(total, refused, sorted(set(remarks)))


def _apply(store: Store, clock: Clock, mentions: Sequence[Mention], bad: dict[int, str]) -> None:
    matches = {i: store.read(Match, **key_of(mentions[i])) for i in bad}
    with store.writing() as writer:
        still = writer.unchanged(mentions)  # a text that was edited meanwhile is looked at again in the next round
        refused = {i: reason for i, reason in bad.items() if i in still}
        writer.delete_mentions([key_of(mentions[i]) for i in refused])
        writer.mark_gated([key_of(m) for i, m in enumerate(mentions) if i in still and i not in bad])
        writer.upsert([_refused(mentions[i], reason, clock) for i, reason in refused.items()])
        writer.upsert(dirty((x.market, x.published_at) for i in refused for x in matches[i]))
        failpoint.reached("gate.written")


def _refused(m: Mention, reason: str, clock: Clock) -> Quarantined:
    return Quarantined(
        payload_id=m.payload_id, item=f"id {m.native_id}", source=m.source, origin="quality gate", reason=reason,
        raw=m.model_dump_json()[:65_536], refused_at=clock.now(),
    )  # fmt: skip
