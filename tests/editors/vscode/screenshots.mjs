// Pictures of the extension at work, for the documentation.
//
//   node screenshots.mjs VSIX FOLDER
//
// Run by screenshots.sh. Writes finding.png, plan.png and completion.png, each cropped to what it is about.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { APPEARANCE, fileAddress, openPage, startCode } from "./workbench.mjs";

const WIDTH = 1100;
// High, since a hover takes a quarter of it at most.
const HEIGHT = 1800;
const [vsix, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

const code = await startCode(vsix, {
  flags: ["--disable-workspace-trust"],
  settings: APPEARANCE,
});
const { page, close } = await openPage({ scale: 2, width: WIDTH, height: HEIGHT });
page.setDefaultTimeout(30_000);

await open("claude.bottle.yaml");
const squiggle = await page.waitForSelector(".squiggly-error");
await hover(squiggle);
await shoot("finding.png", ".monaco-hover:visible");

await open("deploy.bottle.yaml");
await hover(page.getByText("agent_provider", { exact: true }).first());
await shoot("plan.png", ".monaco-hover:visible");

await open("half.bottle.yaml");
await page.locator(".view-line").nth(1).click();
await page.keyboard.press("End");
await page.keyboard.press("Control+Space");
await page.waitForSelector(".suggest-widget.visible .monaco-list-row");
await page.keyboard.press("Control+Space");
await page.waitForSelector(".suggest-details-container .body");
await shoot("completion.png", ".suggest-widget.visible", ".suggest-details-container");

await close();
code.stop();
process.exit(0);

/** Opens a file of the workspace, alone in a new window, and waits until the server has answered. */
async function open(file) {
  await page.goto(fileAddress(code.port, file));
  await page.locator(`.tab.active[data-resource-name="${file}"]`).waitFor();
  await page.waitForSelector(".codelens-decoration a");
  const sideBar = page.locator(".part.sidebar");
  if (await sideBar.isVisible()) {
    await page.keyboard.press("Control+b");
    await sideBar.waitFor({ state: "hidden" });
  }
}

/** Moves the mouse over an element until a hover with content is there. */
async function hover(element) {
  const box = await element.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 });
  const content = page.locator(".monaco-hover:visible .hover-row").first();
  await content.waitFor();
  await page.waitForFunction(() => !document.querySelector(".monaco-hover:not(.hidden)")?.textContent.includes("Loading"));
}

/** The part of the window that holds the tab, the text and the popups, with some air. */
async function shoot(name, ...popups) {
  const boxes = [];
  for (const selector of [".editor-group-container .title", ...popups]) {
    boxes.push(await page.locator(selector).first().boundingBox());
  }
  const lines = await page.locator(".view-line > span").evaluateAll((all) =>
    all.map((line) => line.getBoundingClientRect()).map(({ right, bottom }) => ({ right, bottom })),
  );
  const right = Math.max(...boxes.slice(1).map((box) => box.x + box.width), ...lines.map((line) => line.right)) + 24;
  const bottom = Math.max(...boxes.slice(1).map((box) => box.y + box.height), ...lines.map((line) => line.bottom)) + 16;
  const x = Math.min(...boxes.map((box) => box.x));
  const { y } = boxes[0];
  await page.screenshot({ path: path.join(folder, name), clip: { x, y, width: Math.min(right, WIDTH) - x, height: Math.min(bottom, HEIGHT) - y } });
  console.log(`ok - screenshot: ${name}`);
}
