package score

import "throng"

// families maps the names of ua-parser to the vocabulary. What is not here is of no family: it has to
// come out as Other, or as a class that says so little: WebView or Feed Reader.
var families = map[string]throng.Client{
	"Chrome": throng.Chrome, "Chromium": throng.Chrome,
	"Chrome Mobile": throng.ChromeMobile, "Chrome Mobile iOS": throng.ChromeMobile,
	"Safari": throng.Safari, "WebKit Nightly": throng.Safari, "Mobile Safari": throng.MobileSafari,
	"Firefox": throng.Firefox, "Firefox Beta": throng.Firefox,
	"Firefox Mobile": throng.FirefoxMobile, "Firefox iOS": throng.FirefoxMobile,
	"Edge": throng.Edge, "Edge Mobile": throng.Edge,
	"Opera": throng.Opera, "Opera Mobile": throng.Opera, "Opera Touch": throng.Opera, "Opera Tablet": throng.Opera,
	"Opera GX": throng.Opera, "Opera Mini": throng.OperaMini,
	"Samsung Internet": throng.SamsungInternet, "UC Browser": throng.UCBrowser, "Android": throng.AndroidBrowser,
	"IE": throng.InternetExplorer, "IE Mobile": throng.InternetExplorer, "IE Large Screen": throng.InternetExplorer,
	"Yandex Browser": throng.Yandex, "Vivaldi": throng.Vivaldi, "Whale": throng.Whale, "MiuiBrowser": throng.MIUI,
	"QQ Browser": throng.QQBrowser, "QQ Browser Mobile": throng.QQBrowser, "QQ Browser Mini": throng.QQBrowser,
	"Amazon Silk": throng.Silk,
	"Facebook":    throng.WebView, "Instagram": throng.WebView, "Chrome Mobile WebView": throng.WebView,
	"Mobile Safari UI/WKWebView": throng.WebView, "WeChat Browser": throng.WebView, "Pinterest": throng.WebView,
	"Snapchat": throng.WebView, "LINE": throng.WebView, "Weibo": throng.WebView, "Google": throng.WebView,
}

// rareBrowsers are those of ua-parser's families that people read pages with, but that are too rare for
// a family of their own. They are Other on purpose, and human.
var rareBrowsers = []string{
	"115 Browser", "360 Secure Browser", "AOL", "AOL Desktop Gold Browser", "AOL Shield Browser", "AVG", "Aloha Browser",
	"Atom Browser", "Avast Secure Browser", "Avira", "BOLT", "Baidu Browser", "Baidu Explorer", "Basilisk",
	"BlackBerry WebKit", "Brave", "CCleaner", "Chrome Frame", "Chromium GOST Browser", "Coc Coc", "Comodo Dragon", "Conkeror",
	"Craving Explorer Browser", "Crosswalk", "Decentr Web3 Browser", "Dolfin", "Dolphin", "Dragon", "DuckDuckGo",
	"DuckDuckGo Mobile", "Ecosia Android", "Ecosia iOS", "Espial", "Facebook Messenger", "FireWeb", "Firefox (Shiretoko)",
	"Flipboard", "Flipboard-Briefing", "HeyTap Browser", "HiBrowser", "Hola Browser", "Honor Browser", "Huawei Browser",
	"IceCat", "Instabridge", "Iron", "JiSu Browser", "KakaoTalk", "Kindle", "Konqueror", "Ladybird", "Lite Browser", "LuaKit",
	"Mail.ru Chromium Browser", "Maxthon", "Microsoft Teams", "Midori", "Minimo", "Mint Browser", "MozillaDeveloperPreview",
	"MullvadBrowser", "Mypal Browser", "NetCast Smart TV", "NetFront", "NetFront NX", "Nokia Browser", "Nokia OSS Browser",
	"Norton", "Obigo", "Oculus Browser", "Odin", "Onefootball", "Open Wave", "Opera Coast", "Opera Neon", "Otter",
	"Ovi Browser", "Pale Moon", "Pandora", "Phantom Browser", "Phoenix Browser", "Planetweb", "Puffin", "QAX Browser",
	"Qt Web Engine", "QtCarBrowser", "Quark", "Quark PC", "QupZilla", "Rekonq", "RockMelt", "Sailfish Browser", "Sber Browser",
	"Seznam prohlížeč", "Skyfire", "Slack Desktop Client", "Sleipnir", "Smart Lenovo Browser", "SmartTV WebBrowser",
	"Snowshoe", "Sparrow Browser", "Talon Cyber Security Browser", "Teleca Browser", "Telegram", "Tenta Browser", "TikTok",
	"TopBuzz", "Twitter", "Vewd Browser", "VivoBrowser", "Waterfox", "WeTab", "Wolvic Browser", "mDolphin", "qutebrowser",
	"webOS Browser",
}

// systems maps the names of ua-parser to the vocabulary. What is not here has to come out as Other.
var systems = map[string]throng.OS{
	"Windows": throng.Windows, "Mac OS X": throng.MacOS, "Android": throng.Android, "iOS": throng.IOS, "Chrome OS": throng.ChromeOS,
	"Linux": throng.Linux, "Ubuntu": throng.Linux, "Debian": throng.Linux, "Gentoo": throng.Linux, "Fedora": throng.Linux,
	"Mandriva": throng.Linux, "Red Hat": throng.Linux, "CentOS": throng.Linux, "SUSE": throng.Linux, "Arch Linux": throng.Linux,
	"Linux Mint": throng.Linux, "Kubuntu": throng.Linux, "Slackware": throng.Linux, "WeTab": throng.Linux,
}
