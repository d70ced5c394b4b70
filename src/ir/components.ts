export interface Component<U> {
  readonly members: U[];
  /** Its members depend on each other, or the only one on itself. */
  readonly circular: boolean;
}

/** Tarjan's strongly connected components, without recursion: files may hold long chains. */
export function components<U>(nodes: readonly U[], targetsOf: (node: U) => readonly U[]): Component<U>[] {
  const state = new Map<U, { index: number; low: number; open: boolean }>();
  const open: U[] = [];
  const found: Component<U>[] = [];
  let counter = 0;
  const enter = (node: U): { node: U; targets: readonly U[]; next: number } => {
    state.set(node, { index: counter, low: counter, open: true });
    counter++;
    open.push(node);
    return { node, targets: targetsOf(node), next: 0 };
  };
  for (const root of nodes) {
    if (state.has(root)) continue;
    const stack = [enter(root)];
    for (let top = stack[stack.length - 1]; top; top = stack[stack.length - 1]) {
      const mine = state.get(top.node);
      const target = top.targets[top.next++];
      if (!mine) break;
      if (target !== undefined) {
        const theirs = state.get(target);
        if (!theirs) stack.push(enter(target));
        else if (theirs.open) mine.low = Math.min(mine.low, theirs.index);
        continue;
      }
      stack.pop();
      const parent = stack[stack.length - 1];
      const above = parent && state.get(parent.node);
      if (above) above.low = Math.min(above.low, mine.low);
      if (mine.low !== mine.index) continue;
      const component: U[] = [];
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        const its = state.get(member);
        if (its) its.open = false;
        component.push(member);
        if (member === top.node) break;
      }
      const circular = component.length > 1 || targetsOf(top.node).includes(top.node);
      found.push({ members: component.reverse(), circular });
    }
  }
  return found;
}
