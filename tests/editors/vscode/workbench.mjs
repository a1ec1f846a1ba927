// VS Code as a server (code-server) with the packed extension, and a Chromium that shows it.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import path from "node:path";

const cache = process.env.BOT_BOTTLE_EDITORS_CACHE;
const codeServer = path.join(cache, "code-server/node_modules/code-server/out/node/entry.js");
const { chromium } = createRequire(path.join(cache, "playwright/"))("playwright-core");

const home = process.env.HOME;
const data = path.join(home, "../code-server");
const tee = path.join(process.env.TEST_ROOT, "tests/editors/tee.py");
export const workspace = process.env.TEST_WORKSPACE;

/** What every test has: no features that wait for a network, and the recorder in the server's place. */
const USER = { "chat.disableAIFeatures": true };
const MACHINE = { "bot-bottle.path": tee };

/** A window with little in it beside the text. */
export const APPEARANCE = {
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.startupEditor": "none",
  "workbench.activityBar.location": "hidden",
  "workbench.statusBar.visible": false,
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.layoutControl.enabled": false,
  "chat.commandCenter.enabled": false,
  "breadcrumbs.enabled": false,
  "files.autoSave": "off",
  "editor.fontSize": 14,
  "editor.minimap.enabled": false,
  "editor.stickyScroll.enabled": false,
  "editor.guides.indentation": false,
  "editor.renderLineHighlight": "none",
  "editor.hover.delay": 100,
  "editor.hover.above": false,
  "workbench.editor.editorActionsLocation": "hidden",
  "editor.scrollbar.vertical": "hidden",
  "editor.overviewRulerBorder": false,
  "editor.hideCursorInOverviewRuler": true,
};

/** Installs the VSIX and starts code-server; `settings` are the user's, `flags` further options. */
export async function startCode(vsix, { settings = {}, machine = MACHINE, flags = [], env = {} } = {}) {
  const common = ["--user-data-dir", path.join(data, "data"), "--extensions-dir", path.join(data, "extensions")];
  writeJson("data/User/settings.json", { ...USER, ...settings });
  writeJson("data/Machine/settings.json", machine);
  await run([...common, "--install-extension", vsix]);

  const port = await freePort();
  const server = spawn(
    process.execPath,
    [
      codeServer, ...common, "--bind-addr", `127.0.0.1:${port}`, "--auth", "none", "--disable-telemetry",
      "--disable-update-check", ...flags, "--vscode-option", "enable-smoke-test-driver",
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } },
  );
  const log = createWriteStream(path.join(data, "server.log"));
  server.stdout.pipe(log);
  server.stderr.pipe(log);
  await answers(port);
  return { port, stop: () => server.kill() };
}

/** A page of Chromium; `codeAutomation…` is how a test run of VS Code tells its log and its exit code. */
export async function openPage({ scale = 1, width = 1280, height = 800, onLog, onExit } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.BOT_BOTTLE_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
  const context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: scale });
  const page = await context.newPage();
  await page.exposeFunction("codeAutomationLog", (_kind, args) => onLog?.(args.join(" ")));
  await page.exposeFunction("codeAutomationExit", (code) => onExit?.(code));
  return { page, close: () => browser.close() };
}

/** The address of the workbench with a suite to run in the extension host. */
export function suiteAddress(port, suite) {
  return address(port, [
    ["extensionDevelopmentPath", remote(port, path.dirname(suite))],
    ["extensionTestsPath", remote(port, suite)],
    ["enableProposedApi", ""],
  ]);
}

/** The address of the workbench with a file of the workspace open. */
export function fileAddress(port, file) {
  return address(port, [["openFile", remote(port, path.join(workspace, file))]]);
}

function address(port, payload) {
  const url = new URL(`http://127.0.0.1:${port}/`);
  url.searchParams.set("folder", workspace);
  url.searchParams.set("payload", JSON.stringify(payload));
  return url.toString();
}

const remote = (port, file) => `vscode-remote://127.0.0.1:${port}${file}`;

function writeJson(file, value) {
  const full = path.join(data, file);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, JSON.stringify(value));
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [codeServer, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (text) => (said += text));
    child.stderr.on("data", (text) => (said += text));
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(" ")} ended with ${code}: ${said}`))));
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function answers(port) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const ready = await fetch(`http://127.0.0.1:${port}/healthz`).then((r) => r.ok, () => false);
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("code-server does not answer");
}
