/** What the server's HTTP port says of how it is. */

/** Whether it takes traffic. */
export type Readiness =
  | { readonly is: "ready"; readonly afterMs: number }
  /** It answers, and says in a word why it doesn't. */
  | { readonly is: "unready"; readonly why: string }
  /** What is in front of it doesn't hand the question on. */
  | { readonly is: "unknown" }
  | { readonly is: "unreachable" };

const WORD = /^[a-z][a-z -]{0,60}$/;

/** Asks. */
export async function askReadiness(signal?: AbortSignal): Promise<Readiness> {
  const beganMs = performance.now();
  try {
    const answer = await fetch(new URL("/readyz", location.origin), {
      cache: "no-store",
      ...(signal && { signal }),
    });
    const word = (await answer.text()).trim();
    if (answer.ok && word === "ready") return { is: "ready", afterMs: performance.now() - beganMs };
    return answer.status === 503 && WORD.test(word) ? { is: "unready", why: word } : { is: "unknown" };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { is: "unreachable" };
  }
}

/** Why there are no metrics. */
export type NoMetrics = "token" | "absent" | "unreachable";

/** The metrics, for whoever has their token; without one only where the port shows them to everybody. */
export async function askMetrics(token: string | undefined): Promise<string | NoMetrics> {
  const headers: HeadersInit = token ? { authorization: `Bearer ${token}` } : {};
  try {
    const answer = await fetch(new URL("/metrics", location.origin), { cache: "no-store", headers });
    if (answer.status === 401) return "token";
    const isText = answer.headers.get("content-type")?.startsWith("text/plain") ?? false;
    return answer.ok && isText ? await answer.text() : "absent";
  } catch {
    return "unreachable";
  }
}
