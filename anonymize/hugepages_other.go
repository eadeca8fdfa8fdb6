//go:build !linux

package anonymize

// onHugePages does nothing: other systems choose the size of pages themselves, or are not asked.
func onHugePages[T any](table []T) []T { return table }
