// Classifies handwritten digits in the page: ?backend=js or ?backend=webgpu.
import { create } from "../digits.grad";

const backend = new URLSearchParams(location.search).get("backend") ?? "auto";
const bytes = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const status = document.querySelector("#status");
try {
  const [weights, pixels, labels] = await Promise.all([
    bytes("digits.safetensors"),
    bytes("pixels.bin"),
    bytes("labels.bin"),
  ]);
  const model = await create({ backend, params: weights });
  const { accuracy, probs } = model.forward({
    x: Float32Array.from(pixels, (v) => v / 255),
    label: Int32Array.from(labels),
  });
  const [right, all] = await Promise.all([accuracy.item(), probs.read()]);
  const list = document.querySelector("#digits");
  for (let n = 0; n < 10; n++) {
    const row = all.slice(n * 10, n * 10 + 10);
    const item = document.createElement("li");
    const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
    const image = new ImageData(28, 28);
    for (let i = 0; i < 784; i++)
      image.data.fill(255 - pixels[n * 784 + i], 4 * i, 4 * i + 3).fill(255, 4 * i + 3, 4 * i + 4);
    canvas.getContext("2d").putImageData(image, 0, 0);
    item.append(canvas, ` ${row.indexOf(Math.max(...row))} (${(100 * Math.max(...row)).toFixed(0)} %)`);
    list.append(item);
  }
  status.textContent = `${model.backend}: ${(100 * right).toFixed(1)} % of ${labels.length} digits`;
} catch (error) {
  status.textContent = `failed: ${error.message}`;
}
status.dataset.done = "yes";
