"""What people see, in a real browser."""

from pathlib import Path

import pytest

SAMPLES = sorted((Path(__file__).parents[2] / "include" / "docs" / "samples").glob("*.html"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
@pytest.mark.parametrize("width", [1100, 480])
def test_a_report_stands_alone_and_fits(browser, path, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked, errors = [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(path.as_uri())
    assert asked == [path.as_uri()] and not errors
    assert page.locator("h1").count() == 1 and page.locator("svg").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(s => s.querySelector('title') || s.getAttribute('aria-label'))"
    )
    page.close()


def test_an_operator_reads_in_airflow_what_each_dag_is_for(browser, stack):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(stack.url)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", stack.passwords["admin"])
    with page.expect_navigation():  # or the next address would be asked for while this one is still on its way
        page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")
    page.goto(f"{stack.url}/dags/evaluate_brands")
    page.get_by_role("button", name="Dag Docs").first.click()
    page.get_by_text("no new signal is raised until it runs again").wait_for(timeout=90_000)
    page.close()
    for dag in stack.api.dags():
        assert "When it fails" in stack.api.call("GET", f"/api/v2/dags/{dag}/details")["doc_md"], dag
