package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"throng/internal/config"
)

// readRoutes reads a site's route list: one path a line; empty lines and lines that begin with # are
// passed over.
func readRoutes(s config.Site) ([]string, error) {
	if s.RoutesFile == "" {
		return nil, nil
	}
	f, err := os.Open(s.RoutesFile)
	if err != nil {
		return nil, fmt.Errorf("read routes of site %s: %w", s.ID, err)
	}
	defer f.Close()
	var routes []string
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !strings.HasPrefix(line, "/") {
			return nil, fmt.Errorf("read routes of site %s: %s:%d: a path begins with /", s.ID, s.RoutesFile, n)
		}
		routes = append(routes, line)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read routes of site %s: %w", s.ID, err)
	}
	return routes, nil
}
