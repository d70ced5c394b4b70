import { expect, test } from "vitest";
import {
  EagerError,
  Function,
  grad,
  graph,
  noGrad,
  paths,
  tensor,
  Tensor,
  type Context,
  heldBytes,
} from "../../src/eager/index.js";

const leaf = (values: number | number[]): Tensor => tensor(values, { dtype: "f64", requiresGrad: true });

test("the graph of a chain has each operation's derivative on its edge", () => {
  const [x, w] = [leaf(3), leaf(2)];
  const loss = x.mul(w).square();
  const { nodes, edges } = graph(loss, { names: { x, w } });
  expect(nodes.map((n) => n.name)).toEqual(["square", "mul", "w", "x"]);
  const name = (id: number): string => nodes.find((n) => n.id === id)!.name;
  expect(edges.map((e) => [name(e.from), name(e.to), e.derivative.value])).toEqual([
    ["square", "mul", 12],
    ["mul", "x", 2],
    ["mul", "w", 3],
  ]);
  expect(graph(loss, { names: { x, w } }).dot().replace(/n\d+/g, "n")).toMatchInlineSnapshot(`
    "digraph {
      rankdir=BT;
      node [fontname="Courier", fontsize=12];
      edge [dir=forward, fontname="Courier", fontsize=12];
      n [label="square", shape=ellipse];
      n [label="mul", shape=ellipse];
      n [label="w", shape=box, style=filled, fillcolor=lightgrey];
      n [label="x", shape=box, style=filled, fillcolor=lightgrey];
      n -> n [label=" 12 "];
      n -> n [label=" 2 "];
      n -> n [label=" 3 "];
    }
    "
  `);
  loss.backward();
  expect([x.grad?.item(), w.grad?.item()]).toEqual([24, 36]);
});
test("tensors' derivatives show the Jacobian's shape and norm, or the shape alone where it is large", () => {
  const x = leaf([1, 2, 2]);
  const [sum] = graph(x.mul(x).sum()).edges;
  expect(sum!.derivative).toEqual({ shape: [3], value: null, norm: Math.sqrt(3) });
  const [both] = graph(x.mul(x).sum()).edges.slice(1);
  expect(both!.derivative).toEqual({ shape: [3, 3], value: null, norm: 3 });
  expect(graph(x.mul(x).sum(), { entries: 8 }).edges[1]!.derivative.norm).toBeNull();
});
test("the graph draws as SVG", async () => {
  const svg = await graph(leaf(2).exp().mul(3)).svg();
  expect(svg).toContain("<svg");
  expect(svg.match(/<g id="node/g)).toHaveLength(3);
  expect(svg).toContain("7.38906");
});
test("all paths of the chain rule, their products and the sum, which is the gradient", () => {
  const x = leaf(2);
  const y = x.mul(x).add(x.mul(3));
  const rule = paths(y, x);
  expect(
    rule.paths.map((p) => [p.operations.join(" "), p.derivatives.map((d) => d.value), p.product.item()]),
  ).toEqual([
    ["add mul", [1, 2], 2],
    ["add mul", [1, 2], 2],
    ["add mul", [1, 3], 3],
  ]);
  expect(rule.sum.item()).toBe(7);
  expect(String(rule)).toBe("add → mul: 1 · 2 = 2\nadd → mul: 1 · 2 = 2\nadd → mul: 1 · 3 = 3\nsum of 3: 7");
});
test("paths of tensors multiply to the gradient, and to an intermediate result as well", () => {
  const x = leaf([0.5, -1, 2]);
  const h = x.tanh();
  const loss = h.mul(h).add(h.exp()).sum().add(x.sum());
  for (const target of [x, h]) {
    const [wanted] = grad(loss, [target], { retainGraph: true });
    expect(paths(loss, target).sum.sub(wanted!).abs().amax().item()).toBeLessThan(1e-14);
  }
  expect(paths(loss, x).paths).toHaveLength(4);
  expect(paths(loss, h).paths).toHaveLength(3);
});
test("paths are counted before they are listed", () => {
  const x = leaf(1);
  let y: Tensor = x;
  for (let k = 0; k < 40; k++) y = y.add(y);
  expect(() => paths(y, x)).toThrow(
    new EagerError(`there are ${2 ** 40} paths, more than the limit of 1000`),
  );
  expect(paths(x.mul(1), leaf(1)).paths).toEqual([]);
});
test("an operation with several results has an edge for each that is used", () => {
  class Both extends Function {
    static forward(_: Context, x: Tensor): Tensor[] {
      return [x.mul(2), x.mul(5)];
    }
    static backward(_: Context, a: Tensor, b: Tensor): Tensor {
      return a.mul(2).add(b.mul(5));
    }
  }
  const x = leaf(1);
  const [a, b] = Both.apply(x) as [Tensor, Tensor];
  expect(
    paths(a.mul(b), x)
      .paths.map((p) => p.product.item())
      .sort(),
  ).toEqual([10, 10]);
  expect(graph(a.mul(b)).edges.map((e) => e.derivative.value)).toEqual([5, 2, 2, 5]);
});
test("there is no graph of what needs no gradient, nor of what was freed", () => {
  expect(() => graph(tensor(1))).toThrow(/needs no gradient/);
  expect(() => graph(noGrad(() => leaf(1).exp()))).toThrow(/needs no gradient/);
  const y = leaf(1).exp();
  y.backward();
  expect(() => graph(y)).toThrow(/freed/);
});

test("a result holds what its derivative reads, shared elements once and leaves not", () => {
  const x = tensor([1, 2, 3, 4], { requiresGrad: true });
  const y = x.exp(); // reads its result
  expect(heldBytes([y])).toBe(16);
  expect(heldBytes([y.mul(y)])).toBe(32);
  expect(heldBytes([y.add(1).slice(0, 0, 2), y])).toBe(32);
  const loss = y.sum();
  loss.backward();
  expect(heldBytes([loss])).toBe(4);
});
