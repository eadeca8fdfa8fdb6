package anonymize

import "throng"

// majorRange is a closed range of major versions.
type majorRange struct{ first, last uint16 }

// majors are the versions of each family that are kept: from its first one to about two years of
// releases past the newest of November 2026. All others are unknown: a free number would be a mark by
// which a device could be known again.
//
// A family without a range has no versions: in views inside of apps it is another one in each app.
var majors = [...]majorRange{
	throng.OtherClient:      {},
	throng.Chrome:           {1, 220},
	throng.ChromeMobile:     {1, 220},
	throng.Safari:           {1, 40},
	throng.MobileSafari:     {1, 40},
	throng.Firefox:          {1, 220},
	throng.FirefoxMobile:    {1, 220},
	throng.Edge:             {10, 220}, // 12 was the first; rounded down for those who opted out it is 10
	throng.Opera:            {1, 200},
	throng.OperaMini:        {1, 120},
	throng.SamsungInternet:  {1, 45},
	throng.UCBrowser:        {1, 20},
	throng.AndroidBrowser:   {1, 9},
	throng.InternetExplorer: {1, 11},
	throng.Yandex:           {1, 40},
	throng.Vivaldi:          {1, 20},
	throng.Whale:            {1, 10},
	throng.MIUI:             {1, 30},
	throng.QQBrowser:        {1, 30},
	throng.Silk:             {1, 220},
	throng.WebView:          {},
	throng.FeedReader:       {},
}

// keep is the version where it is in the range, else 0.
func (r majorRange) keep(major uint16) uint16 {
	if major < r.first || major > r.last {
		return 0
	}
	return major
}
