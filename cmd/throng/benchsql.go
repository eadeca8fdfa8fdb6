package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// benchSQL are the statements that make ClickHouse read a log by itself, in order.
//
//go:embed sql/*.sql
var benchSQL embed.FS

// sqlMemory is as much as the engine asks for, so that its memory does not slow it down.
const sqlMemory = 8 << 30

// sql measures the engine on the same log: what a site would get that had ClickHouse read its log.
func (b *bench) sql(ctx context.Context) error {
	if b.feed.Stream != nil {
		return usageError{errors.New("bench sql: a file is needed, not standard input: the engine reads parts of it side by side")}
	}
	if b.feed.Format != "combined_signals" { // others would be misread and counted all the same
		return usageError{fmt.Errorf("bench sql: the log's format is %s, and its statement reads combined_signals alone", b.feed.Format)}
	}
	f, err := os.Open(b.feed.Globs[0])
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	defer f.Close()
	transport, err := b.openEngine(ctx)
	if err != nil {
		return err
	}
	engine := engineClient{http.Client{Transport: transport}}
	if err := engine.prepare(ctx); err != nil {
		return err
	}
	start, cpu := time.Now(), cpuTime()
	if err := engine.insertLines(ctx, f); err != nil {
		return err
	}
	wall, used := time.Since(start), cpuTime()-cpu
	rows, err := engine.ask(ctx, "SELECT count() FROM parsed", nil)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(rows, 10, 64)
	if err != nil {
		return fmt.Errorf("count lines: %w", err)
	}
	b.print(n, wall, used)
	return nil
}

// engineClient speaks ClickHouse's HTTP interface.
type engineClient struct{ http.Client }

func (c *engineClient) prepare(ctx context.Context) error {
	files, err := benchSQL.ReadDir("sql")
	if err != nil {
		return err
	}
	for _, f := range files {
		statement, err := benchSQL.ReadFile("sql/" + f.Name())
		if err != nil {
			return err
		}
		if _, err := c.ask(ctx, string(statement), nil); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
}

// insertLines inserts as many parts of the log side by side as there are processors.
func (c *engineClient) insertLines(ctx context.Context, f *os.File) error {
	ends, err := cutLines(f, runtime.GOMAXPROCS(0))
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	start := int64(0)
	for _, end := range ends {
		part := io.NewSectionReader(f, start, end-start)
		g.Go(func() error {
			_, err := c.ask(ctx, "INSERT INTO lines FORMAT LineAsString", part)
			return err
		})
		start = end
	}
	return g.Wait()
}

// cutLines finds where n parts of about the same size end, each behind a line's end.
func cutLines(f *os.File, n int) (ends []int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, 2<<20) // longer than a line
	for i := range n - 1 {
		at := info.Size() * int64(i+1) / int64(n)
		got, err := f.ReadAt(b, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		ends = append(ends, at+int64(bytes.IndexByte(b[:got], '\n'))+1)
	}
	return append(ends, info.Size()), nil
}

// insertBlock is the number of lines that the engine takes at a time: with more it would meet its memory
// limit, and with fewer make more parts.
const insertBlock = "262144"

// ask runs a statement, with the data that it inserts. An error has the code of the engine's, and not its
// text, which can quote the log.
func (c *engineClient) ask(ctx context.Context, statement string, data io.Reader) (string, error) {
	u, body := "http://engine/", io.Reader(strings.NewReader(statement))
	if data != nil {
		u, body = u+"?"+url.Values{
			"query": {statement}, "max_insert_block_size": {insertBlock}, "min_insert_block_size_rows": {insertBlock},
			"min_insert_block_size_bytes": {"0"}, "input_format_parallel_parsing": {"0"},
		}.Encode(), data
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, body)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask engine: %w", err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return "", fmt.Errorf("ask engine: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ask engine: code %s", resp.Header.Get("X-ClickHouse-Exception-Code"))
	}
	return string(bytes.TrimSpace(answer)), nil
}
