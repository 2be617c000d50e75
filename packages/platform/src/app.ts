import type { Logger } from "./logger.ts";

/** A part of a process that has to be started and stopped. */
export interface Component {
  readonly name: string;
  /**
   * Ready for use when it resolves. May be called once.
   *
   * @param stopping aborted when the app is told to stop meanwhile: whoever waits for something resolves then
   */
  start(stopping?: AbortSignal): Promise<void>;
  /** Finishes what is in flight and lets go of everything. Only called after a successful `start`. */
  stop(): Promise<void>;
  /** Told when every component has started. */
  appStarted?(): void;
  /** Told, before anything stops, that the process is about to stop: time to say "not ready". Must not throw. */
  appStopping?(): void;
}

/** A part that works as soon as it is made and only has to be let go of in the end. */
export function letGo(name: string, stop: () => Promise<void>): Component {
  return { name, start: () => Promise.resolve(), stop };
}

/** One process: what it consists of, in the order it starts. */
export interface App {
  readonly log: Logger;
  /** Starts the components in order. If one fails, stops those before it and throws its error. */
  start(): Promise<void>;
  /**
   * Stops the components in reverse. Also fine during `start` (the component under way is told, what comes next is not
   * started) and more than once. One that fails does not keep the others from stopping; its error is thrown in the end.
   */
  stop(): Promise<void>;
  /** The ports it listens on, by what they are for; known once started. */
  ports(): Readonly<Record<string, number>>;
}

export interface AppOptions {
  readonly log: Logger;
  /** In the order they start; each may rely on those before it. */
  readonly components: readonly Component[];
  readonly ports?: () => Readonly<Record<string, number>>;
}

/** Builds an App of components. */
export function createApp({ log, components, ports = () => ({}) }: AppOptions): App {
  const running: Component[] = [];
  const toldToStop = new AbortController();
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function startAll(): Promise<void> {
    for (const component of components) {
      if (stopping !== undefined) return;
      await component.start(toldToStop.signal);
      running.push(component);
      log.debug({ event: "component_started", component: component.name });
    }
    for (const component of running) component.appStarted?.();
  }

  async function stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const component of running) component.appStopping?.();
    for (let component = running.pop(); component !== undefined; component = running.pop()) {
      try {
        await component.stop();
        log.debug({ event: "component_stopped", component: component.name });
      } catch (err) {
        failures.push(err);
        log.error({ event: "component_stop_failed", component: component.name, err });
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  return {
    log,
    ports,
    start() {
      starting ??= startAll().catch(async (error: unknown) => {
        // The first error tells why; those of stopping are in the log.
        await stopAll().catch(() => undefined);
        throw error;
      });
      return starting;
    },
    stop() {
      toldToStop.abort();
      stopping ??= Promise.resolve(starting?.catch(() => undefined)).then(stopAll);
      return stopping;
    },
  };
}
