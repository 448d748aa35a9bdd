// A headless Chromium, driven by the DevTools protocol.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";

/** How long the page may take for anything that is waited for. */
const WAIT_MS_MAX = 60_000;

/** The command of a Chromium on this machine, if there is one. */
export function chromium() {
  const names = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"].filter(Boolean);
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Starts a browser with one empty page. */
export async function browse(command) {
  const profile = mkdtempSync(join(tmpdir(), "pollux-chromium-"));
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,900", "--remote-debugging-port=0"];
  const process = spawn(command, [...options, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  const wire = await connect(await devtools(process));
  const { targetId } = await wire.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await wire.send("Target.attachToTarget", { targetId, flatten: true });
  const close = async () => {
    const gone = once(process, "exit");
    // In good order, so that its helpers have ended, too, and write nothing more into the folder. It may go without an answer.
    wire.send("Browser.close").catch(() => {});
    await gone;
    wire.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  return { page: new Page(wire, sessionId), close };
}

/** The address that the browser tells when it is up. */
async function devtools(process) {
  for await (const line of createInterface({ input: process.stderr })) {
    const [address] = line.match(/ws:\/\/\S+/) ?? [];
    if (!address) continue;
    process.stderr.resume();
    return address;
  }
  throw new Error("chromium ended before it was up");
}

/** Requests and events of all sessions on one socket. */
async function connect(address) {
  const socket = new WebSocket(address, { perMessageDeflate: false, maxPayload: 0 });
  await once(socket, "open");
  const waiting = new Map();
  const listeners = [];
  let last = 0;
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    if (!message.id) return listeners.forEach((listener) => listener(message));
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
  return { send, listen: (listener) => listeners.push(listener), close: () => socket.close() };
}

class Page {
  /** The addresses that it and its workers have asked for. */
  asked = new Set();
  /** What went wrong: exceptions, refusals of the security policy, errors on the console. */
  trouble = [];

  constructor(wire, session) {
    this.wire = wire;
    this.session = session;
    wire.listen((event) => this.#heard(event));
  }

  async open(url) {
    for (const domain of ["Network", "Runtime", "Log", "Page"]) await this.wire.send(`${domain}.enable`, {}, this.session);
    // Workers are looked at, too, from their first instruction on.
    const workers = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };
    await this.wire.send("Target.setAutoAttach", workers, this.session);
    await this.wire.send("Page.navigate", { url }, this.session);
  }

  /** Runs a function of the page with plain arguments. */
  async run(task, ...args) {
    const expression = `(${task})(...${JSON.stringify(args)})`;
    const answer = await this.wire.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true }, this.session);
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text);
    return answer.result.value;
  }

  /** Waits until an element that the selector finds shows the text, and returns all that it shows. */
  async shows(selector, text) {
    const look = (selector, text, waitMax) =>
      new Promise((resolve, reject) => {
        // Editors draw spaces as spaces that do not break.
        const shown = () => [...document.querySelectorAll(selector)].map((element) => element.innerText.replaceAll("\u00a0", " "));
        const watch = new MutationObserver(() => done());
        const late = setTimeout(() => {
          watch.disconnect();
          reject(new Error(`${selector} does not show ${text}, but: ${shown().join("\n")}`));
        }, waitMax);
        const done = () => {
          const found = shown().find((candidate) => candidate.includes(text));
          if (found === undefined) return;
          clearTimeout(late);
          watch.disconnect();
          resolve(found);
        };
        watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
        done();
      });
    return this.run(look, selector, text, WAIT_MS_MAX);
  }

  /** Waits until the page's storage holds the text under the key. No event tells of a page's own writes, so it is looked at. */
  async stores(key, text) {
    const look = (key, text, waitMax) =>
      new Promise((resolve, reject) => {
        const late = performance.now() + waitMax;
        const done = () => {
          const stored = localStorage.getItem(key) ?? "";
          if (stored.includes(text)) resolve(stored);
          else if (performance.now() > late) reject(new Error(`${key} does not hold ${text}, but: ${stored}`));
          else setTimeout(done, 10);
        };
        done();
      });
    return this.run(look, key, text, WAIT_MS_MAX);
  }

  async click(selector) {
    await this.shows(selector, "");
    await this.run((selector) => document.querySelector(selector).click(), selector);
  }

  /** A PNG of what is seen. */
  async picture() {
    const { data } = await this.wire.send("Page.captureScreenshot", { format: "png" }, this.session);
    return Buffer.from(data, "base64");
  }

  #heard({ method, params, sessionId }) {
    if (method === "Network.requestWillBeSent") this.asked.add(params.request.url);
    if (method === "Network.webSocketCreated") this.asked.add(params.url);
    if (method === "Runtime.exceptionThrown") this.trouble.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Log.entryAdded" && params.entry.level === "error") this.trouble.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    if (method === "Runtime.consoleAPICalled" && params.type === "error") this.trouble.push(params.args.map((arg) => arg.value ?? arg.description).join(" "));
    if (method === "Target.attachedToTarget" && sessionId === this.session) this.#follow(params.sessionId);
  }

  async #follow(worker) {
    await this.wire.send("Network.enable", {}, worker);
    await this.wire.send("Runtime.enable", {}, worker);
    await this.wire.send("Runtime.runIfWaitingForDebugger", {}, worker);
  }
}
