import { accessesOf } from "./kernel-rewrite.js";
import type { KernelBuffer, Statement } from "./kernel-ir.js";
import type { LoweredKernel } from "./lower.js";

/** What follows a kernel's grid as a kernel of its own, where a launch ends with its grid. */
export function afterApart(lowered: LoweredKernel): readonly LoweredKernel[] {
  const { kernel } = lowered;
  if (kernel.after.length === 0) return [lowered];
  return [
    withBuffersOf(kernel.body, {
      ...lowered,
      kernel: { ...kernel, name: `${kernel.name}_parts`, after: [] },
    }),
    withBuffersOf(kernel.after, {
      ...lowered,
      kernel: { ...kernel, grid: [], body: kernel.after, after: [] },
    }),
  ];
}

function withBuffersOf(
  list: readonly Statement[],
  { kernel, tensors, scratch }: LoweredKernel,
): LoweredKernel {
  const { loaded, stored } = accessesOf(list);
  const access = (b: KernelBuffer): KernelBuffer["access"] | null =>
    loaded.has(b.name) ? (stored.has(b.name) ? "readwrite" : "read") : stored.has(b.name) ? "write" : null;
  const used = kernel.buffers.map(access);
  return {
    kernel: {
      ...kernel,
      buffers: kernel.buffers.flatMap((b, k) => {
        const own = used[k];
        return own ? [{ ...b, access: own }] : [];
      }),
    },
    tensors: tensors.filter((_, k) => used[k]),
    scratch: scratch.filter((_, k) => used[tensors.length + k]),
  };
}
