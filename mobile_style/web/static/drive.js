// Carries out the orders of browser.py, one after the other, in workers like those of the page.

import {WorkerClient} from "./client.js";

const secret = location.hash.slice(1);
const sessions = new Map();
const LONGEST = 240_000;

const fetched = async (url) => (await fetch(url, {cache: "no-store"})).arrayBuffer();
const noise = (length) => Uint8ClampedArray.from({length}, () => 128 * Math.random()).buffer;

function send(answer) {
  const binary = answer instanceof ArrayBuffer;
  const headers = {"Content-Type": binary ? "application/octet-stream" : "application/json"};
  return fetch(`${secret}/answer`, {method: "POST", headers, body: binary ? answer : JSON.stringify(answer)});
}

async function load({session, url, threads}) {
  if (threads > 1 && !globalThis.crossOriginIsolated) throw new Error("this browser has no threads here");
  const client = new WorkerClient();
  sessions.set(session, {client});
  const content = await fetched(url);
  const began = performance.now();
  const details = {content, accelerator: "wasm", threads};
  const {height, width, styles} = await client.ask("load", details, [content], LONGEST);
  const loaded = performance.now() - began;
  const pixels = noise(4 * height * width);
  const first = await client.ask("run", {pixels}, [pixels], LONGEST);
  sessions.set(session, {client, pixels: first.pixels});
  return {height, width, styles, load_ms: loaded, first_ms: first.ms};
}

// That many inferences, after one that is not timed.
async function run({session, runs}) {
  const loaded = sessions.get(session);
  const times = [];
  for (let number = 0; number <= runs; number++) {
    const {pixels, ms} = await loaded.client.ask("run", {pixels: loaded.pixels}, [loaded.pixels], LONGEST);
    loaded.pixels = pixels;
    if (number) times.push(ms);
  }
  return {times_ms: times};
}

async function stylize({session, url, shares}) {
  const pixels = await fetched(url);
  return (await sessions.get(session).client.ask("run", {pixels, shares}, [pixels], LONGEST)).pixels;
}

function end({session}) {
  sessions.get(session)?.client.end();
  sessions.delete(session);
  return {};
}

const ORDERS = {load, run, stylize, end};
const version = navigator.userAgent.match(/(?:Headless)?(Chrome|Edg|Firefox)\/[\d.]+/)?.[0] ?? navigator.userAgent;
await send({cores: navigator.hardwareConcurrency, browser: version});
for (;;) {
  const order = await (await fetch(`${secret}/order`, {cache: "no-store"})).json();
  if (order.do === "nothing") continue;
  try {
    await send(await ORDERS[order.do](order));
  } catch (error) {
    end(order);
    await send({error: error.message});
  }
}
