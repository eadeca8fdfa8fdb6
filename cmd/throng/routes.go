package main

import (
	"fmt"
	"os"
	"path/filepath"

	"throng/anonymize/routelist"
	"throng/internal/config"
)

// readRoutes reads a site's route list or sitemap.
func readRoutes(s config.Site) ([]string, error) {
	if s.RoutesFile == "" {
		return nil, nil
	}
	dir, name := filepath.Split(s.RoutesFile)
	routes, err := routelist.List{Dir: os.DirFS(filepath.Clean(dir)), Hosts: s.Hosts}.Read(name)
	if err != nil {
		return nil, fmt.Errorf("read routes of site %s: %s%w", s.ID, dir, err)
	}
	return routes, nil
}
