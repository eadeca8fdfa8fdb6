package anonymize

// Remembered is how many values are in the caches.
func (a *Anonymizer) Remembered() int {
	return a.agents.len() + a.paths.len() + a.referrers.len()
}

func (c *cache[V]) len() (n int) {
	for _, h := range c.hashes {
		if h != 0 {
			n++
		}
	}
	return n
}

// WithoutCrawlerList runs f while the list of crawlers finds nothing.
func WithoutCrawlerList(f func()) {
	saved := botMatcher
	defer func() { botMatcher = saved }()
	botMatcher = must(newBotMatcher("crawler\tno crawler at all"))
	f()
}
