// Where there is no program, the extension says what to do.
//
//   node missing.mjs VSIX-WITHOUT-PROGRAM
import { fileAddress, openPage, startCode } from "./workbench.mjs";

const [vsix] = process.argv.slice(2);
let failed = 0;

/** Opens a manifest and waits for a notification with all of `parts`. */
async function says(name, machine, ...parts) {
  const code = await startCode(vsix, { machine, flags: ["--disable-workspace-trust"] });
  const { page, close } = await openPage();
  try {
    await page.goto(fileAddress(code.port, "claude.bottle.yaml"));
    await page.waitForSelector(".monaco-editor .view-line");
    // No notification pops up under the test driver; they are all in the list behind the bell.
    await page.locator('[id="status.notifications"]').click();
    let notification = page.locator(".notification-list-item");
    for (const part of parts) notification = notification.filter({ hasText: part });
    await notification.first().waitFor({ timeout: 30_000 });
    console.log(`ok - vscode: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok - vscode: ${name}: ${error.message.split("\n")[0]}`);
  }
  await close();
  code.stop();
}

await says("without a program it says how to get one", {}, "is not on PATH", "cargo install bot-bottle", "How to Install");
await says("a setting that leads nowhere is named", { "bot-bottle.path": "/nowhere/bot-bottle" }, "/nowhere/bot-bottle", "Open Setting");
process.exit(failed);
