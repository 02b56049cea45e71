import { expect, test } from "vitest";
import { countedIn, parseMetrics } from "./metrics.ts";

const TEXT = `# HELP parlour_connections Connections open now.
# TYPE parlour_connections gauge
parlour_connections 12
parlour_build_info{version="0.1.0"} 1
parlour_store_writable 0
parlour_calls_total{method="Send",outcome="ok"} 40
parlour_calls_total{method="Send",outcome="failed"} 2
parlour_calls_limited_total{by="user"} 0
parlour_commit_seconds_bucket{le="+Inf"} 4
parlour_commit_seconds_sum 0.02
parlour_commit_seconds_count 4
weird{a="b\\"c,d"} 1.5e3 1700000000
not a sample
`;

test("samples are read with their labels", () => {
  const samples = parseMetrics(TEXT);
  expect(samples).toHaveLength(10);
  expect(samples.at(-1)).toEqual({ name: "weird", labels: { a: 'b"c,d' }, value: 1500 });
});

test("what is counted is summed up; what isn't said is absent", () => {
  expect(countedIn(parseMetrics(TEXT))).toMatchObject({
    isWritable: false,
    isDraining: undefined,
    memoryBytes: undefined,
    calls: 42,
    callsFailed: 2,
    commitMean: 0.005,
    troubles: [{ name: "parlour_calls_total", detail: "Send, failed", times: 2 }],
  });
});
