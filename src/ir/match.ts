import type { Expr, Index } from "./expr.js";
import type { Poly } from "./poly.js";

/**
 * What the free indices of a pattern have to be for it to become the expression; null where nothing makes them alike.
 * An index is found where it stands alone in a subscript or is a value; everywhere else it is then compared.
 */
export function match(pattern: Expr, free: readonly Index[], e: Expr): ReadonlyMap<Index, Poly> | null {
  const pairs: (readonly [Poly, Poly])[] = [];
  const seen = new Map<Expr, Expr>();
  const alike = (p: Expr, x: Expr): boolean => {
    if (p === x && p.op === "constant") return true;
    const known = seen.get(p);
    if (known) return known === x;
    seen.set(p, x);
    if (p.op !== x.op || p.dtype !== x.dtype) return false;
    const all = (a: readonly Expr[], b: readonly Expr[]): boolean =>
      a.length === b.length && a.every((one, k) => alike(one, b[k] ?? one));
    switch (p.op) {
      case "constant":
        return false;
      case "index":
        if (x.op === "index") pairs.push([p.poly, x.poly]);
        return true;
      case "read":
        if (x.op !== "read" || x.value !== p.value) return false;
        p.subscripts.forEach((s, k) => pairs.push([s, x.subscripts[k] ?? s]));
        return true;
      case "call":
        return x.op === "call" && x.fn === p.fn && all(p.args, x.args);
      case "select":
        return x.op === "select" && all([p.condition, p.then, p.else], [x.condition, x.then, x.else]);
      case "cast":
        return x.op === "cast" && alike(p.arg, x.arg);
    }
  };
  if (!alike(pattern, e)) return null;
  const found = new Map<Index, Poly>();
  for (const [p, x] of pairs) {
    const index = p.asIndex;
    if (index && free.includes(index) && !found.has(index)) found.set(index, x);
  }
  const fits = pairs.every(([p, x]) =>
    p.substitute((a) => (a.kind === "index" ? found.get(a.index) : undefined)).equals(x),
  );
  return fits && free.every((i) => found.has(i)) ? found : null;
}
