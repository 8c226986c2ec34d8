#!/usr/bin/env python3
"""Opens the page of a comparison in headless Chromium, 390 and 1280 pixels wide, light and dark.

    tools/check_page.py job.compare/report.html [--shots FOLDER] [--only 390-dark,1280-light]

Looks for errors in the console, for a page that is wider than the window, for texts that are too small, cut off, or
hard to tell from what is behind them, and sorts the table by every column. Exits with 0 if nothing was found, 1 and a
line for each finding if something was, 77 where there is no Chromium.
"""
import argparse
import html
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
VIEWS = {f"{width}-{theme}": (width, theme) for width in (390, 1280) for theme in ("light", "dark")}

# Before anything else of the page, and after all of it.
CATCH = "<script>window.wrong=[];onerror=function(text){wrong.push('error: '+text)}</script>"
LOOK = """<script>addEventListener('load',function(){
var wrong=window.wrong,root=document.documentElement;
function light(text){var part=text.match(/[\\d.]+/g).map(Number).slice(0,3).map(function(v){v/=255;
return v<=.03928?v/12.92:Math.pow((v+.055)/1.055,2.4)});return .2126*part[0]+.7152*part[1]+.0722*part[2]}
function behind(e){for(;e;e=e.parentElement){var c=getComputedStyle(e).backgroundColor;
if(c!=='rgba(0, 0, 0, 0)'&&!/, 0?\\.\\d+\\)/.test(c))return c}return 'rgb(255, 255, 255)'}
if(innerWidth!==WIDTH)wrong.push('the window is '+innerWidth+' wide');
if(root.dataset.theme!=='THEME')wrong.push('the theme is '+root.dataset.theme);
if(root.scrollWidth>innerWidth)wrong.push('the page is '+root.scrollWidth+' wide');
document.querySelectorAll('h1,h2,p,small,b,span,td,th button,li,figcaption,summary').forEach(function(e){
if(!e.textContent.trim()||!e.getClientRects().length)return;var style=getComputedStyle(e);
if(parseFloat(style.fontSize)<12)wrong.push('small text: '+e.textContent.slice(0,40));
var a=light(style.color),b=light(behind(e)),ratio=(Math.max(a,b)+.05)/(Math.min(a,b)+.05);
if(ratio<4.5)wrong.push('contrast of '+ratio.toFixed(1)+': '+e.textContent.slice(0,40))});
document.querySelectorAll('figure svg text').forEach(function(e){var svg=e.ownerSVGElement,box=svg.getBoundingClientRect();
var size=parseFloat(getComputedStyle(e).fontSize)*box.width/svg.viewBox.baseVal.width,own=e.getBoundingClientRect();
if(size<10)wrong.push('text of '+size.toFixed(1)+' pixels in a plot: '+e.textContent);
if(own.left<box.left-1||own.right>box.right+1||own.top<box.top-1||own.bottom>box.bottom+1)wrong.push('cut off: '+e.textContent)});
document.querySelectorAll('th button').forEach(function(button){for(var turn=0;turn<2;turn++){button.click();
var head=button.parentNode,sign=head.getAttribute('aria-sort')==='ascending'?1:-1,before=null;
Array.from(head.closest('table').tBodies[0].rows).forEach(function(row){var cell=row.cells[head.cellIndex],value=cell.dataset.value;
if(value==='')return;value=value===undefined?cell.textContent:Number(value);
var order=before===null?0:typeof value==='number'?value-before:value.localeCompare(before);
if(order*sign<0)wrong.push('not sorted by '+button.textContent);before=value})}});
parent.postMessage(JSON.stringify(wrong),'*')})</script>"""
# A window is never narrower than 500 pixels, a frame in it can be.
FRAME = """<!doctype html><style>body{{margin:0}}iframe{{border:0;display:block;width:{width}px;height:{height}px}}</style>
<script>onmessage=function(event){{document.documentElement.dataset.check=event.data}}</script>
<iframe src="{page}"></iframe>"""


def find_browser():
    return next((path for path in map(shutil.which, NAMES) if path), None)


def browse(browser, page, view, height, folder, *action):
    width, theme = VIEWS[view]
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width, height=height, page=f"{page.as_uri()}#{theme}"), "utf-8")
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
               "--disable-dev-shm-usage", "--enable-logging=stderr", "--virtual-time-budget=2000",
               f"--window-size={max(width, 500)},{height}", *action, frame.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def look_at(browser, source, view, folder):
    width, theme = VIEWS[view]
    look = LOOK.replace("WIDTH", str(width)).replace("THEME", theme)
    page = folder / f"{view}.html"
    page.write_text(source.replace("<head>", "<head>" + CATCH, 1).replace("</body>", look + "</body>", 1), "utf-8")
    seen = browse(browser, page, view, 2000, folder, "--dump-dom")
    findings = [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
    check = re.search(r'data-check="([^"]*)"', seen.stdout)
    if check is None:
        return findings + ["the page did not come to its end"]
    return findings + re.findall(r'"((?:[^"\\]|\\.)*)"', html.unescape(check.group(1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path, help="folder for a picture of each view")
    parser.add_argument("--only", default=",".join(VIEWS), help="views, separated by commas")
    flags = parser.parse_args()
    browser = find_browser()
    if browser is None:
        print("there is no Chromium here")
        return 77
    source = flags.page.read_text("utf-8")
    found = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for view in flags.only.split(","):
            for finding in look_at(browser, source, view, folder):
                print(f"{view}: {finding}")
                found += 1
            if flags.shots:
                flags.shots.mkdir(parents=True, exist_ok=True)
                shot = f"--screenshot={flags.shots.resolve()}/{view}.png"
                browse(browser, flags.page.resolve(), view, 8000, folder, shot)
    if not found:
        print("nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
