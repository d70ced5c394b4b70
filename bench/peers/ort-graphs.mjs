import { Graph } from "./onnx.mjs";

// onnxruntime-web runs graphs forward, so these hold the gradients too, derived by hand.

/** The operations that the graphs need, over a graph. */
function operations(graph) {
  const op = (type, ...operands) => graph.op(type, operands);
  const product = (a, b, { transA = 0, transB = 0 } = {}) => graph.op("Gemm", [a, b], { transA, transB });
  const over = (type) => (x, axes, keepdims) =>
    graph.op(type, axes ? [x, graph.integers(axes)] : [x], { keepdims: keepdims ? 1 : 0 });
  const reshape = (x, shape) => op("Reshape", x, graph.integers(shape));
  return { op, product, reshape, sum: over("ReduceSum"), mean: over("ReduceMean"), top: over("ReduceMax") };
}

function crossEntropy({ op, sum, mean, top }, z, y, rows) {
  const highest = top(z, [1], true);
  const e = op("Exp", op("Sub", z, highest));
  const total = sum(e, [1], true);
  const perRow = op("Sub", op("Add", op("Log", total), highest), sum(op("Mul", y, z), [1], true));
  const dz = op("Div", op("Sub", op("Div", e, total), y), rows);
  return { l: mean(perRow), dz };
}

const GRAPHS = {
  W1(graph, { x }) {
    const { op, sum, mean } = operations(graph);
    const N = x.shape[0];
    const t = op("Tanh", op("Add", op("Mul", "a", "x"), "b"));
    const s = op("Sigmoid", op("Mul", "c", "x"));
    const e = op("Exp", op("Neg", op("Mul", "x", "x")));
    const tangent = op("Mul", op("Sub", 1, op("Mul", t, t)), s);
    const slope = op("Mul", op("Mul", t, s), op("Sub", 1, s));
    const own = op("Add", op("Mul", tangent, "a"), op("Mul", slope, "c"));
    const dx = op("Sub", own, op("Mul", op("Mul", "x", 2), e));
    graph.output("x", op("Div", dx, N), [N]);
    graph.output("a", op("Div", sum(op("Mul", tangent, "x")), N), []);
    graph.output("b", op("Div", sum(tangent), N), []);
    graph.output("c", op("Div", sum(op("Mul", slope, "x")), N), []);
    graph.output("l", mean(op("Add", op("Mul", t, s), e)), []);
  },
  W2(graph, { x, w1, w2, w3 }) {
    const all = operations(graph);
    const { op, product, sum } = all;
    const layer = (v, w, b) => op("Add", product(v, w), b);
    const [a1, h] = [layer("x", "w1", "b1")].flatMap((a) => [a, op("Relu", a)]);
    const [a2, g] = [layer(h, "w2", "b2")].flatMap((a) => [a, op("Relu", a)]);
    const { l, dz } = crossEntropy(all, layer(g, "w3", "b3"), "y", x.shape[0]);
    const mask = (d, a) => op("Where", op("Greater", a, 0), d, 0);
    const da2 = mask(product(dz, "w3", { transB: 1 }), a2);
    const da1 = mask(product(da2, "w2", { transB: 1 }), a1);
    const weights = [
      ["w1", "x", da1, w1],
      ["w2", h, da2, w2],
      ["w3", g, dz, w3],
    ];
    for (const [name, from, cotangent, { shape }] of weights) {
      graph.output(name, product(from, cotangent, { transA: 1 }), shape);
      graph.output(name.replace("w", "b"), sum(cotangent, [0]), [shape[1]]);
    }
    graph.output("l", l, []);
  },
  W3(graph, { A, B }) {
    const { op, product, sum } = operations(graph);
    graph.output("A", product("G", "B", { transB: 1 }), A.shape);
    graph.output("B", product("A", "G", { transA: 1 }), B.shape);
    graph.output("l", sum(op("Mul", product("A", "B"), "G")), []);
  },
  W6b(graph, { X, w }, rate) {
    const { op, product, reshape, sum } = operations(graph);
    const [N, D] = X.shape;
    const z = op("Add", product("X", reshape("w", [D, 1])), "b");
    const dz = op("Div", op("Sub", op("Sigmoid", z), reshape("y", [N, 1])), N);
    const dw = reshape(product("X", dz, { transA: 1 }), [D]);
    graph.output("w", op("Sub", "w", op("Mul", dw, rate)), w.shape);
    graph.output("b", op("Sub", "b", op("Mul", sum(dz), rate)), []);
  },
  W7(graph, { pos }) {
    const { op, reshape, sum } = operations(graph);
    const N = pos.shape[0];
    const offset = op("Sub", reshape("pos", [N, 1, 3]), reshape("pos", [1, N, 3]));
    const r2 = op("Add", sum(op("Mul", offset, offset), [2]), 0.0025);
    const inverse = op("Reciprocal", op("Sqrt", r2));
    const pair = op("Mul", op("Mul", reshape("m", [N, 1]), reshape("m", [1, N])), inverse);
    const force = op("Mul", pair, op("Mul", inverse, inverse));
    graph.output("pos", sum(op("Mul", reshape(force, [N, N, 1]), offset), [1]), [N, 3]);
    graph.output("l", op("Mul", sum(pair), -0.5), []);
  },
  W9(graph, { X }) {
    const { op, sum, mean, top } = operations(graph);
    const [R] = X.shape;
    const highest = top("X", [1], true);
    const e = op("Exp", op("Sub", "X", highest));
    const total = sum(e, [1], true);
    const p = op("Div", e, total);
    const weighted = sum(op("Mul", p, "G"), [1], true);
    const dX = op("Div", op("Mul", p, op("Add", op("Sub", "G", weighted), 1)), R);
    graph.output("X", dX, X.shape);
    graph.output("l", mean(op("Add", op("Add", weighted, op("Log", total)), highest)), []);
  },
};

/** The model's bytes for a workload, or undefined where its gradients were not derived. Results are `out:NAME`; steps give the params. */
export function graphOf(name, tensors, rate) {
  const write = GRAPHS[name];
  if (!write) return undefined;
  const graph = new Graph(tensors);
  write(graph, tensors, rate);
  return graph.model();
}
