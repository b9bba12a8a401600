#include "tools/bench/result.h"

#include <inttypes.h>

/* --- counting -------------------------------------------------------------------------------- */

void bench_tally_add(struct bench_tally *self, wire_time latency)
{
    uint64_t value = latency < 0 ? 0 : (uint64_t)latency;
    if (self->latency.count == 0 || value < self->min)
        self->min = value;
    wire_histogram_add(&self->latency, latency);
}

static void tally_merge(struct bench_tally *self, const struct bench_tally *other)
{
    if (other->latency.count > 0 && (self->latency.count == 0 || other->min < self->min))
        self->min = other->min;
    wire_histogram_merge(&self->latency, &other->latency);
    self->errors += other->errors;
    self->missing += other->missing;
}

void bench_result_merge(struct bench_result *self, const struct bench_result *other)
{
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++)
        tally_merge(&self->kinds[kind], &other->kinds[kind]);
    tally_merge(&self->first, &other->first);
    tally_merge(&self->second, &other->second);
    self->elapsed = other->elapsed > self->elapsed ? other->elapsed : self->elapsed;
    self->retries += other->retries;
    self->unstarted += other->unstarted;
    self->unanswered += other->unanswered;
    self->cpu += other->cpu;
    self->partial |= other->partial;
}

void bench_result_total(const struct bench_result *self, struct bench_tally *total)
{
    *total = (struct bench_tally){0};
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++)
        tally_merge(total, &self->kinds[kind]);
}

/* Per second. */
static double rate_of(const struct bench_result *self, uint64_t count)
{
    return self->elapsed <= 0 ? 0 : (double)count * WIRE_SECOND / (double)self->elapsed;
}

static uint64_t mean_of(const struct bench_tally *tally)
{
    return tally->latency.count == 0 ? 0 : tally->latency.sum / tally->latency.count;
}

static bool occurred(const struct bench_tally *tally)
{
    return tally->latency.count > 0 || tally->errors > 0;
}

/* --- for people ------------------------------------------------------------------------------ */

static void print_tally(const char *name, const struct bench_tally *tally, FILE *out)
{
    fprintf(out,
            "  %-17s  ops %" PRIu64 "  avg %" PRIu64 "  min %" PRIu64 "  max %" PRIu64
            "  p50 %" PRIu64 "  p99 %" PRIu64 "  p999 %" PRIu64 "  us\n",
            name, tally->latency.count, mean_of(tally), tally->min, tally->latency.max,
            wire_histogram_percentile(&tally->latency, 0.5),
            wire_histogram_percentile(&tally->latency, 0.99),
            wire_histogram_percentile(&tally->latency, 0.999));
}

static void print_troubles(const struct bench_result *self, const struct bench_tally *total,
                           FILE *out)
{
    fprintf(out, "Errors:  %" PRIu64 "   Retries:  %" PRIu64 "\n", total->errors, self->retries);
    if (total->missing > 0)
        fprintf(out, "Reads that found no record:  %" PRIu64 " (is the service loaded?)\n",
                total->missing);
    if (self->unstarted > 0)
        fprintf(out, "Operations due and never started:  %" PRIu64 " (the rate is too high)\n",
                self->unstarted);
    if (self->partial)
        fprintf(out,
                "These results are PARTIAL: the run ended early, with %" PRIu64
                " operations unanswered.\n",
                self->unanswered);
}

void bench_result_print(const struct bench_result *self, const struct bench_about *about, FILE *out)
{
    struct bench_tally total;
    bench_result_total(self, &total);
    fprintf(out,
            "Workload %s, %" PRIu64 " clients, %" PRIu64 " records, values of %" PRIu64
            " bytes, %.1f s\n",
            about->workload, about->clients, about->records, about->value_bytes,
            (double)self->elapsed / WIRE_SECOND);
    fprintf(out, "Throughput:  %.0f ops/sec\n", rate_of(self, total.latency.count));
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++) {
        if (occurred(&self->kinds[kind]))
            print_tally(ycsb_kind_text((enum ycsb_kind)kind), &self->kinds[kind], out);
    }
    print_tally("all", &total, out);
    print_troubles(self, &total, out);
}

/* --- for scripts ----------------------------------------------------------------------------- */

static void print_calls(enum ycsb_kind kind, const struct bench_tally *tally, bool *any, FILE *out)
{
    if (tally->latency.count == 0)
        return;
    fprintf(out,
            "    %-8s    %s  ops %" PRIu64 "  avg %" PRIu64 "  min %" PRIu64 "  max %" PRIu64
            "  p99 %" PRIu64 "  us\n",
            *any ? "" : "Latency:", ycsb_kind_text(kind), tally->latency.count, mean_of(tally),
            tally->min, tally->latency.max, wire_histogram_percentile(&tally->latency, 0.99));
    *any = true;
}

void bench_result_print_phase(const struct bench_result *self, const char *name, FILE *out)
{
    struct bench_tally total, read = self->kinds[YCSB_READ], update = self->kinds[YCSB_UPDATE];
    bool any = false;
    bench_result_total(self, &total);
    tally_merge(&read, &self->first);
    tally_merge(&update, &self->second);
    fprintf(out, "  [%s]  %lld ms\n", name, (long long)(self->elapsed / WIRE_MS));
    fprintf(out, "    Throughput:  %.2f ops/sec\n", rate_of(self, total.latency.count));
    print_calls(YCSB_INSERT, &self->kinds[YCSB_INSERT], &any, out);
    print_calls(YCSB_UPDATE, &update, &any, out);
    print_calls(YCSB_READ, &read, &any, out);
    print_calls(YCSB_SCAN, &self->kinds[YCSB_SCAN], &any, out);
    if (total.errors > 0)
        fprintf(out, "    ERRORS: %" PRIu64 " calls failed\n", total.errors);
    if (self->partial)
        fprintf(out, "    PARTIAL: the phase ended early, with %" PRIu64 " calls unanswered\n",
                self->unanswered);
}

/* --- for programs ---------------------------------------------------------------------------- */

static void print_json_text(const char *text, FILE *out)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

/* The members that the whole and each kind have alike. */
static void print_json_tally(const struct bench_result *self, const struct bench_tally *tally,
                             FILE *out)
{
    const struct wire_histogram *latency = &tally->latency;
    fprintf(out,
            "\"tput\":%.1f,\"ops\":%" PRIu64 ",\"avg_us\":%" PRIu64 ",\"min_us\":%" PRIu64
            ",\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"p999_us\":%" PRIu64
            ",\"max_us\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"missing\":%" PRIu64,
            rate_of(self, latency->count), latency->count, mean_of(tally), tally->min,
            wire_histogram_percentile(latency, 0.5), wire_histogram_percentile(latency, 0.99),
            wire_histogram_percentile(latency, 0.999), latency->max, tally->errors, tally->missing);
}

void bench_result_print_json(const struct bench_result *self, const struct bench_about *about,
                             FILE *out)
{
    struct bench_tally total;
    const char *comma = "";
    bench_result_total(self, &total);
    fputs("{\"workload\":", out);
    print_json_text(about->workload, out);
    fprintf(out,
            ",\"clients\":%" PRIu64 ",\"records\":%" PRIu64 ",\"value_size\":%" PRIu64
            ",\"seconds\":%.3f,",
            about->clients, about->records, about->value_bytes,
            (double)self->elapsed / WIRE_SECOND);
    print_json_tally(self, &total, out);
    fprintf(out,
            ",\"retries\":%" PRIu64 ",\"unstarted\":%" PRIu64 ",\"unanswered\":%" PRIu64
            ",\"client_cpu_us_per_op\":%.1f,\"partial\":%s,\"by_op\":{",
            self->retries, self->unstarted, self->unanswered,
            total.latency.count == 0 ? 0 : (double)self->cpu / (double)total.latency.count,
            self->partial ? "true" : "false");
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++) {
        if (!occurred(&self->kinds[kind]))
            continue;
        fprintf(out, "%s\"%s\":{", comma, ycsb_kind_text((enum ycsb_kind)kind));
        print_json_tally(self, &self->kinds[kind], out);
        putc('}', out);
        comma = ",";
    }
    fputs("}}\n", out);
}

void bench_result_print_histogram(const struct bench_result *self, FILE *out)
{
    fputs("# madkv-histogram 1\n# operation, microseconds at most, count\n", out);
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++) {
        const struct wire_histogram *latency = &self->kinds[kind].latency;
        for (size_t bucket = 0; bucket < WIRE_HISTOGRAM_BUCKETS; bucket++) {
            if (latency->counts[bucket] > 0)
                fprintf(out, "%s %" PRIu64 " %" PRIu64 "\n", ycsb_kind_text((enum ycsb_kind)kind),
                        wire_histogram_bucket_end(bucket), latency->counts[bucket]);
        }
    }
}
