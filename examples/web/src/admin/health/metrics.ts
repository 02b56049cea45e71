/** What the server counts, read from its metrics in Prometheus' text format. */

/** One number, with what it is of. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads all of them; what isn't a sample is passed over. */
export function parseMetrics(text: string): Sample[] {
  return text.split("\n").flatMap((line): Sample[] => {
    const [, name, labels = "", number = ""] = LINE.exec(line) ?? [];
    const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
    if (name === undefined || Number.isNaN(value)) return [];
    const all = [...labels.matchAll(LABEL)].map(([, label = "", of = ""]) => [
      label,
      of.replace(/\\(.)/g, "$1"),
    ]);
    return [{ name, labels: Object.fromEntries(all), value }];
  });
}

/** What a page shows of them. What the server doesn't say is absent. */
export interface Counted {
  readonly isWritable: boolean | undefined;
  readonly isDraining: boolean | undefined;
  readonly memoryBytes: number | undefined;
  /** Calls since the start, and those of them that the server itself failed. */
  readonly calls: number;
  readonly callsFailed: number;
  /** In seconds, since the start; absent before the first. */
  readonly commitMean: number | undefined;
  /** What went wrong since the start, by what it is: only what did. */
  readonly troubles: readonly { readonly name: string; readonly detail: string; readonly times: number }[];
}

/** Counters that stand still where all is well, with the labels that make them one. */
const TROUBLES: Record<string, Readonly<Record<string, string>>> = {
  parlour_commits_failed_total: {},
  parlour_calls_total: { outcome: "failed" },
  parlour_handshakes_failed_total: {},
  parlour_tokens_refused_total: {},
  parlour_calls_limited_total: {},
  parlour_too_slow_total: {},
  parlour_oidc_fetches_total: { outcome: "failed" },
  parlour_oidc_providers_unavailable: {},
  parlour_retention_failing_rooms: {},
  parlour_erasures_failing: {},
  parlour_webhooks_stopped: {},
};

/** Sums it up. */
export function countedIn(samples: readonly Sample[]): Counted {
  const of = (name: string) => samples.filter((sample) => sample.name === name);
  const one = (name: string) => of(name)[0]?.value;
  const sum = (all: readonly Sample[]) => all.reduce((before, { value }) => before + value, 0);
  const flag = (name: string) => (one(name) === undefined ? undefined : one(name) === 1);
  const commits = one("parlour_commit_seconds_count");
  return {
    isWritable: flag("parlour_store_writable"),
    isDraining: flag("parlour_draining"),
    memoryBytes: one("process_resident_memory_bytes"),
    calls: sum(of("parlour_calls_total")),
    callsFailed: sum(of("parlour_calls_total").filter(({ labels }) => labels.outcome === "failed")),
    commitMean: commits ? (one("parlour_commit_seconds_sum") ?? 0) / commits : undefined,
    troubles: troublesIn(samples),
  };
}

function troublesIn(samples: readonly Sample[]): Counted["troubles"] {
  const all = samples.filter(({ name, labels, value }) => {
    const wanted = TROUBLES[name];
    return wanted && value > 0 && Object.entries(wanted).every(([label, is]) => labels[label] === is);
  });
  return all
    .map(({ name, labels, value: times }) => ({ name, detail: Object.values(labels).join(", "), times }))
    .sort((a, b) => b.times - a.times);
}
