import { LeftOut } from "./left-out.mjs";

/** jax-js on its WebAssembly backend: the loss and its gradient in one jit, and the update where there are steps. */
export async function prepare(workload) {
  const [{ LOSSES }, { blockUntilReady, init, defaultDevice, jit, numpy: np, tree, valueAndGrad }] =
    await Promise.all([import("../peers/jax-losses.mjs"), import("@jax-js/jax")]);
  const loss = LOSSES[workload.name];
  if (!loss) throw new LeftOut("not written for jax-js");
  await init("wasm");
  defaultDevice("wasm");
  const arrays = (tensors) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data }]) => [name, np.array(data.slice()).reshape(shape)]),
    );
  const { param, data } = workload.inputs();
  const [p, d] = [arrays(param), arrays(data)];
  const read = async (arrays) =>
    Object.fromEntries(await Promise.all(Object.entries(arrays).map(async ([n, a]) => [n, await a.data()])));
  const { steps, rate } = workload;
  const gradient = valueAndGrad(loss);
  if (steps) {
    const step = jit((params, given) => {
      const [value, grads] = gradient(tree.ref(params), given);
      value.dispose();
      return tree.map((w, g) => w.sub(g.mul(rate)), params, grads);
    });
    const train = async () => {
      let current = tree.ref(p);
      for (let k = 0; k < steps; k++) {
        current = step(current, tree.ref(d));
        // Steps that wait for each other unread take time quadratic in their number.
        await blockUntilReady(current);
      }
      return read(current);
    };
    return { results: train, run: train, dispose() {} };
  }
  const both = jit((params, given) => gradient(params, given));
  const once = () => both(tree.ref(p), tree.ref(d));
  return {
    async results() {
      const [value, grads] = once();
      return { ...(await read(grads)), l: await value.data() };
    },
    async run() {
      const [value, grads] = once();
      await Promise.all([value, ...Object.values(grads)].map((a) => a.blockUntilReady()));
      tree.dispose([value, grads]);
    },
    dispose() {},
  };
}
