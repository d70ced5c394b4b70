import { ENDED, READY, TICKET, work } from "./ticket.js";
import type { Kernel } from "./types.js";

/** A thread of a model on wasm: does what is left of the model's jobs until it is disposed of. */
interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: Int32Array;
  readonly thread: number;
}
/** Rounds of looking for a job before the system is asked to wake us: the next kernel of a call comes soon. */
const PATIENCE = 20_000;

function begin({ module, memory, control, thread }: Start): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory }, host: {} });
  const kernels = Object.values(exports) as Kernel<number>[];
  Atomics.add(control, READY, 1);
  for (let idle = 0; ; idle++) {
    const ticket = Atomics.load(control, TICKET);
    work(control, kernels, thread);
    if (Atomics.load(control, ENDED)) return;
    if (Atomics.load(control, TICKET) !== ticket) idle = 0;
    else if (idle > PATIENCE) Atomics.wait(control, TICKET, ticket);
  }
}

interface NodePort {
  once(event: "message", then: (message: Start) => void): void;
}
const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
const node = process?.getBuiltinModule?.("node:worker_threads") as
  { parentPort: NodePort | null } | undefined;
if (node?.parentPort) node.parentPort.once("message", begin);
else
  globalThis.addEventListener("message", (event) => begin((event as MessageEvent<Start>).data), {
    once: true,
  });
