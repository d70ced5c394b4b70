import { Session } from "node:inspector/promises";

const PROCESS = new Set(["(program)", "(idle)", "(root)", "(garbage collector)", "dispatch"]);
/** `dispatch` is the profiler itself. What asks for the profile is no part of it. */
const OWN = /worker\.mjs|session\.mjs|node:/;

async function repeat(run, count) {
  for (let k = 0; k < count; k++) {
    const pending = run();
    if (pending) await pending;
  }
}

/**
 * The shares of functions of the time of `count` units, and bytes that each allocates in a unit, the largest first.
 * @param {string[]} names of the WebAssembly functions, by number
 */
export async function profile(run, count, names) {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: 200 });
    await session.post("Profiler.start");
    await repeat(run, count);
    const { profile } = await session.post("Profiler.stop");
    const sampling = {
      samplingInterval: 512,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    };
    await session.post("HeapProfiler.startSampling", sampling);
    await repeat(run, count);
    const { profile: heap } = await session.post("HeapProfiler.stopSampling");
    return { functions: shares(profile, names), allocated: allocations(heap, count) };
  } finally {
    session.disconnect();
  }
}

const labelOf = ({ functionName, url, lineNumber }) =>
  functionName || `${url.split("/").at(-1)}:${lineNumber + 1}`;

function shares({ nodes, samples, timeDeltas }, names) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const times = new Map();
  let total = 0;
  samples.forEach((id, k) => {
    const frame = byId.get(id);
    if (OWN.test(frame.url)) return;
    total += timeDeltas[k];
    const number = /^wasm-function\[(\d+)\]$/.exec(frame.functionName)?.[1];
    const name = names[number] ?? labelOf(frame);
    if (!PROCESS.has(name)) times.set(name, (times.get(name) ?? 0) + timeDeltas[k]);
  });
  return [...times].map(([name, time]) => ({ name, share: time / total })).sort((a, b) => b.share - a.share);
}

function allocations({ head }, count) {
  const bytes = new Map();
  const visit = ({ callFrame, selfSize, children }) => {
    const name = labelOf(callFrame);
    if (selfSize && !OWN.test(callFrame.url) && !PROCESS.has(name))
      bytes.set(name, (bytes.get(name) ?? 0) + selfSize);
    children.forEach(visit);
  };
  visit(head);
  return [...bytes].map(([name, size]) => ({ name, bytes: size / count })).sort((a, b) => b.bytes - a.bytes);
}
