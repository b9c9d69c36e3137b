"use strict";
/* The generator: unpacked from the page, run by ONNX Runtime Web. Nothing here touches the screen. */

const at = (id) => document.getElementById(id);
const about = JSON.parse(at("told").textContent);
const { columns = [], rows = [], weights = [] } = about.labels ?? {};

/** The bytes of a block of the page: gzip, written as base64. The block is dropped. */
async function unpack(id) {
  const text = atob(at(id).textContent);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  at(id).remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A function that gives numbers in [0, 1), from (seed, number) alone: sfc32 of PractRand, by Chris Doty-Humphrey. */
function dice(seed, number) {
  let [a, b, c, d] = [seed >>> 0, number >>> 0, 0x9e3779b9, 1];
  const next = () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return (sum >>> 0) / 4294967296;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** A normal number, by Box and Muller. */
const normal = (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/** One number of the prior. */
function drawn(next) {
  const { kind, limit } = about.prior;
  if (kind === "uniform") return 2 * next() - 1;
  let z = normal(next);
  while (kind === "truncated" && Math.abs(z) > limit) z = normal(next);
  return z;
}

let first = new Float32Array(); // latents of the first samples of seed 0, as ganvas draws them

/** Latents and stored labels of sample `number` of `seed`; `wanted` has a value, or null, for each label column. */
function sample(seed, number, wanted) {
  const next = dice(seed, number), size = about.prior.size;
  const u = next(), known = seed === 0 && (number + 1) * size <= first.length;
  const z = known ? first.slice(number * size, (number + 1) * size) : Float32Array.from({ length: size }, () => drawn(next));
  const free = wanted.every((value) => value === null);
  return { number, z, row: known && free ? about.rows[number] : labelled(u, wanted) };
}

/** A row of labels as in the training data, by u in [0, 1), with the values that are wanted. */
function labelled(u, wanted) {
  const fits = (row) => row.every((v, c) => wanted[c] === null || !columns[c].classes.length || v === wanted[c]);
  const left = rows.map((row, i) => [row, weights[i]]).filter(([row]) => fits(row));
  const whole = left.reduce((sum, [, weight]) => sum + weight, 0);
  let reach = 0;
  const [found] = left.find(([, weight]) => (reach += weight) > u * whole) ?? left.at(-1) ?? [rows[0] ?? []];
  return found.map((value, c) => wanted[c] ?? value);
}

/** What the network is told of a row of labels: ones and zeros for classes, standardised numbers. */
function condition(row) {
  return columns.flatMap(({ classes, mean, std }, c) =>
    classes.length ? classes.map((_, i) => Number(i === row[c])) : [(row[c] - mean) / std]);
}

/** A row of labels in words. */
const worded = (row) => row.map((v, c) => columns[c].classes[v] ?? String(Number(v.toPrecision(3)))).join(", ");

let session = null;
let queue = Promise.resolve(); // the runtime makes one thing at a time

/** Samples of latents and conditions [{z, y}]: the raw numbers of all of them, and the milliseconds it took. */
function make(given, truncation) {
  const job = queue.then(async () => {
    const n = given.length, feeds = {};
    const tensor = (values, width) => new ort.Tensor("float32", Float32Array.from(values), width ? [n, width] : [n]);
    feeds.z = tensor(given.flatMap(({ z }) => [...z]), about.prior.size);
    if (about.truncation !== "none") feeds.truncation = tensor(new Array(n).fill(truncation));
    if (columns.length) feeds.y = tensor(given.flatMap(({ y }) => y), given[0].y.length);
    const start = performance.now();
    const found = await session.run(feeds);
    const last = session.outputNames.at(-1);
    return { data: found[last].data, milliseconds: performance.now() - start };
  });
  queue = job.catch(() => {});
  return job;
}

/** Between two points of the prior: along the sphere where it is normal, straight where it is uniform. */
function between(a, b, t) {
  const dot = (p, q) => p.reduce((sum, v, i) => sum + v * q[i], 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)), angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const flat = about.prior.kind === "uniform" || !(Math.sin(angle) > 1e-4);
  const [p, q] = flat ? [1 - t, t] : [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return a.map((v, i) => p * v + q * b[i]);
}

/** Wake the runtime: one thread, and from this page alone. */
async function wake() {
  const [model, wasm, latents] = await Promise.all(["model", "wasm", "latents"].map(unpack));
  first = new Float32Array(latents.buffer);
  ort.env.wasm.wasmBinary = wasm.buffer;
  ort.env.wasm.numThreads = 1;
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
}
