// From the editor to the bottle and back, as a user sees it: the lens, the question of trust, an agent in VS Code's
// terminal, what it was refused, the fix, and the launch after it.
//
//   node launch.mjs VSIX [FOLDER]
//
// A script stands in for the agent, in a real bubblewrap bottle, and a server on loopback for the host that it asks.
// With FOLDER it also writes trust.png, terminal.png, denied.png and change.png there.
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { APPEARANCE, fileAddress, openPage, startCode, workspace } from "./workbench.mjs";

const HOST = "api.example.com";
const FILE = "helper.bottle.yaml";
const [WIDTH, HEIGHT] = [940, 560];
const [vsix, folder] = process.argv.slice(2);
const home = process.env.HOME;

const upstream = await startUpstream();
write(path.join(home, ".config/bot-bottle/config.yaml"), [
  "backend: bubblewrap",
  `resolve: ["${HOST}:443:127.0.0.1:${upstream.port}"]`,
  "",
].join("\n"));
write(path.join(home, "bin/claude"), [
  "#!/bin/sh",
  "echo 'I look up the models.'",
  // The route of the fix opens a tunnel, so the stand-in sees the host's own certificate.
  `curl -sS --cacert /workspace/ca.pem -w '${HOST} answered %{http_code}\\n' -o /dev/null https://${HOST}/v1/models`,
  "echo 'I am done. Press Enter.'",
  "read -r _",
  "",
].join("\n"));
chmodSync(path.join(home, "bin/claude"), 0o755);
// As a person's shell has it: the program that runs extensions asks a login shell.
const PATH = `${path.join(home, "bin")}:${process.env.PATH}`;
for (const name of [".profile", ".bash_profile", ".zprofile"]) write(path.join(home, name), `export PATH='${PATH}'\n`);
const manifest = path.join(workspace, FILE);
write(manifest, "egress:\n  routes:\n    - host: api.github.com\n      path_allowlist: [/repos/acme/]\n");

const code = await startCode(vsix, {
  flags: ["--disable-workspace-trust"],
  env: { PATH },
  settings: {
    ...APPEARANCE,
    // The terminal's text is then in the page.
    "terminal.integrated.gpuAcceleration": "off",
    // As a repository's own settings may say it: another configuration, and programs of its own.
    "terminal.integrated.env.linux": { PATH: "/nowhere", XDG_CONFIG_HOME: path.join(workspace, ".cfg"), HOME: workspace },
  },
});
const { page, close } = await openPage({ scale: folder ? 2 : 1, width: WIDTH, height: HEIGHT });
page.setDefaultTimeout(30_000);

let failed = 0;
const steps = [
  () => step("a launch asks first, and says what the bottle would allow", async () => {
    await page.goto(fileAddress(code.port, FILE));
    await page.locator(".codelens-decoration a").first().waitFor();
    await page.keyboard.press("Control+b");
    await page.locator(".part.sidebar").waitFor({ state: "hidden" });
    await press("Launch");
    await question("would allow an agent", "api.github.com");
    await shoot("trust.png", 520);
    if (ran()) throw new Error("it ran before the answer");
    await answer("Trust and launch");
  }),
  () => step("the agent runs in the editor's terminal, and is refused what no route allows", async () => {
    await terminalSays("I am done. Press Enter.", "CONNECT tunnel failed, response 403");
    await page.locator(".codelens-decoration a", { hasText: /^running, 1 refusal$/ }).waitFor();
    await shoot("terminal.png", HEIGHT);
    await endAgent();
  }),
  () => step("what it was refused is a finding at egress, with the count", async () => {
    await hover(page.locator(".squiggly-info").first());
    await page.locator(".monaco-hover:visible", { hasText: `a run asked once for ${HOST} (first ` }).waitFor();
    await shoot("denied.png", 265);
    await page.keyboard.press("Escape");
  }),
  () => step("the fix adds the route, and the finding is gone", async () => {
    await page.getByText("egress", { exact: true }).first().click();
    await page.keyboard.press("Control+.");
    await page.locator(".action-widget .monaco-list-row", { hasText: `Allow ${HOST}` }).click();
    await page.locator(".view-line", { hasText: `- host: ${HOST}` }).waitFor();
    await page.waitForSelector(".squiggly-info", { state: "detached" });
  }),
  () => step("the next launch saves, and asks about what is new", async () => {
    await press("Launch");
    await question("has changed since you trusted it", "widened", HOST);
    await shoot("change.png", 400);
    await answer("Trust and launch");
    if (!readFileSync(manifest, "utf8").includes(`- host: ${HOST}\n`)) throw new Error("the file was not saved");
  }),
  () => step("and the request passes", async () => {
    await terminalSays("I am done. Press Enter.", `${HOST} answered 200`);
    await endAgent();
  }),
  () => step("why there is no agent stays on the screen", async () => {
    rmSync(path.join(home, "bin/claude"));
    await press("Launch");
    await terminalSays("claude cannot be run: it is not on PATH", "Enter closes this terminal");
    await endAgent();
  }),
];
for (const next of steps) {
  if (!(await next())) break;
}
await close();
code.stop();
upstream.stop();
process.exit(failed);

async function step(name, test) {
  try {
    await test();
    console.log(`ok - vscode: ${name}`);
    return true;
  } catch (error) {
    failed = 1;
    const said = await page.locator(".xterm-rows").allInnerTexts().catch(() => []);
    console.log(`not ok - vscode: ${name}: ${error.message.split("\n")[0]}; the terminal says: ${said.join("\n")}`);
    return false;
  }
}

/** Presses the lens of this title. */
async function press(title) {
  await page.locator(".codelens-decoration a", { hasText: new RegExp(`^${title}$`) }).first().click();
}

/** Waits for a question with all of `parts`. */
async function question(...parts) {
  let dialog = page.locator(".monaco-dialog-box");
  for (const part of parts) dialog = dialog.filter({ hasText: part });
  await dialog.waitFor();
}

async function answer(title) {
  await page.locator(".monaco-dialog-box .monaco-button", { hasText: title }).click();
}

async function terminalSays(...parts) {
  for (const part of parts) {
    await page.waitForFunction(
      (text) => [...document.querySelectorAll(".xterm-rows")].some((rows) => rows.textContent.replaceAll("\u00a0", " ").includes(text)),
      part,
    );
  }
}

/** Ends the stand-in; its terminal closes once the bottle is taken away. */
async function endAgent() {
  await page.locator(".xterm-screen").first().click();
  await page.keyboard.press("Enter");
  await page.locator(".xterm-screen").first().waitFor({ state: "detached" });
  if (ran()) throw new Error("something of the run is left");
}

/** Whether there is a run, or anything of one. */
function ran() {
  const runs = path.join(home, ".local/state/bot-bottle/runs");
  return existsSync(runs) && readdirSync(runs).length > 0;
}

/** Moves over what a locator finds; the editor may draw it anew in between, and then it is found again. */
async function hover(locator) {
  const deadline = Date.now() + 30_000;
  let box = await locator.boundingBox();
  while (box === null) {
    if (Date.now() > deadline) throw new Error("it is never drawn");
    box = await locator.boundingBox();
  }
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 });
}

/** The window from below its title bar down to `bottom`. */
async function shoot(name, bottom) {
  if (folder === undefined) return;
  const y = 34;
  await page.screenshot({ path: path.join(folder, name), clip: { x: 0, y, width: WIDTH, height: bottom - y } });
  console.log(`ok - screenshot: ${name}`);
}

function write(file, text) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The host that the stand-in asks; its port, once it has one. */
async function startUpstream() {
  const [to, program] = [path.join(home, "upstream"), path.join(process.env.TEST_ROOT, "tests/editors/upstream.py")];
  mkdirSync(to);
  const server = spawn("python3", [program, HOST, to], { stdio: ["pipe", "inherit", "inherit"] });
  const deadline = Date.now() + 30_000;
  while (!existsSync(path.join(to, "port"))) {
    if (Date.now() > deadline) throw new Error("the upstream does not start");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  copyFileSync(path.join(to, "ca.pem"), path.join(workspace, "ca.pem"));
  return { port: readFileSync(path.join(to, "port"), "utf8"), stop: () => server.stdin.end() };
}
