"""The policies' page as a lead would use it: a policy drafted, tried, run in shadow, published and rolled back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from server.console.guard import COOKIE
from tests.platform import Platform
from tests.server.console.conftest import Office

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "build" / "screenshots"
DESKTOP, PHONE = {"width": 1366, "height": 860}, {"width": 390, "height": 844}
STRICT = 'name = "house"\nextends = "marketplace"\n\n[[clause]]\nid = "profanity"\nverdict = "block"\n'


@pytest.fixture(scope="session")
def lab_server(start_server: Callable[..., Any]) -> Any:
    return start_server(TERTULIA_POSTS_PER_SECOND="1000", TERTULIA_POSTS_BURST="1000")


@pytest.fixture
async def office(lab_server: Any) -> AsyncIterator[Office]:
    office = Office(lab_server)
    yield office
    await office.close()


@pytest.fixture
async def shop(office: Office) -> AsyncIterator[Platform]:
    platform = Platform(office.server.url, office.server.ws_url, office.api_key)
    yield platform
    await platform.leave()


class Seat:
    """Somebody of the staff at the policies' page, and what went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda problem: self.problems.append(str(problem)))

    async def faults(self) -> list[str]:
        """What axe finds on the page that is serious."""
        await self.page.evaluate(AXE.read_text())
        found: list[str] = await self.page.evaluate(
            "axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))"
            ".map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' ')))"
        )
        return found


@pytest.fixture
async def sit(browser: Browser, office: Office) -> AsyncIterator[Callable[..., Any]]:
    contexts = []

    async def sit(login: str, role: str, viewport: dict[str, int] = DESKTOP, **options: Any) -> Seat:
        signed_in = await office.enter(login, role)
        context = await browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
        contexts.append(context)
        secret = signed_in.http.cookies.get(COOKIE)
        assert secret
        await context.add_cookies([{"name": COOKIE, "value": secret, "url": f"{office.server.url}/console"}])
        page = await context.new_page()
        seat = Seat(page)
        await page.goto(f"{office.server.url}/console/policies")
        return seat

    yield sit
    for context in contexts:
        await context.close()


async def test_a_policy_is_drafted_backtested_shadowed_published_and_rolled_back(
    office: Office, shop: Platform, sit: Callable[..., Any]
) -> None:
    conversation = await shop.open("ana:buyer", "luis:seller")
    ana = await shop.connect("ana")
    assert (await ana.post(conversation, "joder, qué caro"))["verdict"] == "mask"
    seat = await sit("lea", "lead")
    page = seat.page

    await page.get_by_role("button", name="Nuevo borrador").click()
    await page.get_by_role("button", name="Crear").click()
    editor = page.get_by_label("Texto de la política (TOML)")
    await expect(editor).to_have_value("""name = "our-marketplace"
extends = "marketplace"

# off = ["a_clause"]

# [[clause]]
# id = "a_clause"
# verdict = "flag"
""")
    await editor.fill(STRICT.replace("block", "blok"))
    mark = page.locator(".marks li.error")
    await expect(mark).to_contain_text("unknown verdict 'blok'; did you mean 'block'?")
    await expect(mark).to_contain_text("línea 6")
    await expect(page.locator(".numbers .error")).to_have_text("6")
    await expect(page.get_by_role("button", name="Publicar")).to_be_disabled()
    assert await seat.faults() == []

    await editor.fill(STRICT)
    await expect(page.get_by_text("Sin errores. house@")).to_be_visible()
    await page.get_by_role("tab", name="Cláusulas").click()
    await expect(page.locator(".clauses li", has_text="cambiada por house")).to_contain_text("profanity")
    await page.get_by_role("tab", name="Cambios").click()
    await expect(page.locator(".changes li", has_text="profanity.verdict").locator("ins")).to_have_text("block")

    await page.get_by_role("tab", name="Pruebas").click()
    await page.get_by_role("button", name="Probar con lo dicho").click()
    backtest = page.locator(".trial", has_text="Prueba con lo dicho")
    await expect(backtest.locator(".stricter dd")).to_have_text("1", timeout=30_000)
    await expect(backtest).to_contain_text("terminada")
    await backtest.get_by_role("button", name="Ver ejemplos: Más estricto").click()
    sample = page.locator(".samples li")
    await expect(sample).to_contain_text("joder, qué caro")
    await expect(sample.locator(".verdict")).to_have_text(["mask", "block"])
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="Ejecutar en paralelo").click()
    shadow = page.locator(".trial", has_text="En paralelo")
    await expect(shadow).to_contain_text("en marcha")
    assert (await ana.post(conversation, "joder, sí"))["verdict"] == "mask", "a shadow changes nothing"
    if not await shadow.get_attribute("open"):
        await shadow.locator("summary").click()
    await expect(shadow.locator(".stricter dd")).to_have_text("1", timeout=15_000)
    assert await seat.faults() == []
    SHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=str(SHOTS / "lab-trial.png"))

    await page.get_by_role("button", name="Publicar").click()
    await page.get_by_label("Por qué").fill("Aquí lee toda la familia.")
    await page.get_by_role("dialog").get_by_role("button", name="Publicar").click()
    await expect(page.locator(".table tbody tr").first).to_contain_text("Aquí lee toda la familia.")
    await expect(page.locator(".table tbody tr").first).to_contain_text("Lea")
    assert (await ana.post(conversation, "joder, qué caro"))["code"] == "policy"
    assert await seat.faults() == []

    await page.get_by_role("button", name="Volver a la anterior").click()
    await expect(page.locator(".toast").last).to_contain_text("Ahora vale la política del operador.")
    assert (await ana.post(conversation, "joder, qué caro"))["verdict"] == "mask"
    await page.get_by_role("button", name="Deshacer").click()
    await expect(page.locator(".toast").last).to_contain_text("Ahora vale house@")
    assert (await ana.post(conversation, "joder, qué caro"))["code"] == "policy"
    assert seat.problems == []


async def test_who_only_reads_finds_nothing_to_press(office: Office, sit: Callable[..., Any]) -> None:
    lead = await office.enter("lea", "lead")
    draft = (await lead.call("POST", "/policies/drafts", {"source": STRICT})).json()
    seat = await sit("rita", "reviewer")
    await expect(seat.page.get_by_text("Todas las conversaciones").first).to_be_visible()
    assert await seat.page.get_by_role("button", name="Nuevo borrador").count() == 0
    await seat.page.goto(f"{office.server.url}/console/policies/drafts/{draft['id']}")
    await expect(seat.page.get_by_label("Texto de la política (TOML)")).to_have_attribute("readonly", "")
    for name in ("Publicar", "Guardar", "Desechar"):
        assert await seat.page.get_by_role("button", name=name).count() == 0
    assert seat.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_page_fits_a_phone_in_light_and_dark(office: Office, sit: Callable[..., Any], theme: str) -> None:
    lead = await office.enter("lea", "lead")
    draft = (await lead.call("POST", "/policies/drafts", {"source": STRICT})).json()
    seat = await sit("lea", "lead", PHONE, color_scheme=theme)
    for path in ("policies", f"policies/drafts/{draft['id']}", "policies/kinds/default"):
        await seat.page.goto(f"{office.server.url}/console/{path}")
        await expect(seat.page.get_by_role("heading", level=1)).to_be_visible()
        wide = await seat.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, path
        assert await seat.faults() == [], path
        SHOTS.mkdir(parents=True, exist_ok=True)
        await seat.page.screenshot(path=str(SHOTS / f"lab-{path.split('/')[1] if '/' in path else 'law'}-{theme}.png"))
    assert seat.problems == []
