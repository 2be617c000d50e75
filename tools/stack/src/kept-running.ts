import { setTimeout as sleep } from "node:timers/promises";
import { startService, type ServiceProcess } from "./child-service.ts";
import type { ServiceSpec } from "./service-launch.ts";

/**
 * As `startService`; when the process ends although nobody asked it to, it is told so (`onUnexpectedEnd`) and started
 * again after `waitMs`, on the same port, until that works or somebody stops it.
 */
export async function startKeptRunning(spec: ServiceSpec, waitMs: number): Promise<ServiceProcess> {
  const stopping = new AbortController();
  let comingBack: Promise<void> | undefined;

  const service = await startService({
    ...spec,
    onUnexpectedEnd: (reason) => {
      spec.onUnexpectedEnd?.(reason);
      comingBack = comeBack();
    },
  });

  async function comeBack(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      const started = await service.restart().then(
        () => true,
        () => false,
      );
      if (started) return;
    }
  }

  return {
    ...service,
    // Spreading reads accessors once; these change.
    get pid() {
      return service.pid;
    },
    get ports() {
      return service.ports;
    },
    get running() {
      return service.running;
    },
    async stop() {
      stopping.abort();
      await comingBack;
      await service.stop();
    },
  };
}
