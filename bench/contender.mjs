import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { softwareAdapterEnvironment } from "../scripts/swiftshader.mjs";

const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));

/** Milliseconds after which an answer is no longer waited for. */
const PATIENCE = 60_000;

/** A contender in its own process. Calls are answered in turn; a process that ends fails those that wait. */
export class Contender {
  #process;
  #waiting = new Map();
  #next = 0;
  /** @param {string} name of the contender, with its variant @param {{ suite: string, name: string }} workload */
  constructor(name, workload) {
    this.name = name;
    this.workload = workload;
    const env = name.startsWith("webgpu") ? { ...process.env, ...softwareAdapterEnvironment() } : process.env;
    this.#process = fork(WORKER, [], {
      serialization: "advanced",
      // Peers that trace a whole program recurse into it.
      execArgv: ["--stack-size=3900"],
      env,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let complaint = "";
    this.#process.stderr.on("data", (text) => (complaint = `${complaint}${text}`.slice(-2000)));
    this.#process.on("message", ({ id, error, left, ...answer }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(answer);
      else reject(Object.assign(new Error(error), { left }));
    });
    this.#process.on("exit", (code) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the process of ${name} ended (${code}): ${complaint.trim().split("\n").at(-1)}`));
    });
  }
  #call(kind, rest = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = () => {
        reject(new Error(`over ${PATIENCE / 1000} s`));
        this.close();
      };
      const timer = setTimeout(late, PATIENCE);
      const settled = (then) => (value) => {
        clearTimeout(timer);
        then(value);
      };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#process.send({ id, kind, ...rest });
    });
  }
  /** Milliseconds from nothing to ready, the process's own start left out. */
  async prepare() {
    const { suite, name } = this.workload;
    return (await this.#call("prepare", { contender: this.name, suite, workload: name })).milliseconds;
  }
  /** One unit's results: gradients and the loss, or the params after the steps. */
  async results() {
    return (await this.#call("results")).results;
  }
  /** Milliseconds for each of `count` units. */
  async time(count) {
    return (await this.#call("run", { count })).milliseconds / count;
  }
  /** @returns {Promise<{ functions: { name: string, share: number }[], allocated: { name: string, bytes: number }[] }>} */
  profile(count) {
    return this.#call("profile", { count });
  }
  close() {
    this.#process.removeAllListeners("exit");
    this.#process.kill();
  }
}
