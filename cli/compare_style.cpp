#include "cli/compare_style.hpp"

namespace covey {

// The theme is the system's unless the reader has chosen one, by the button or by the address (#dark, #light).
const std::string_view kCompareStyle = R"(<style>
:root{color-scheme:light;--back:#f6f7f9;--card:#fff;--text:#1a2027;--faint:#5a6673;--line:#dfe3e8;--grid:#e8ebef;--tint:#2563a81f;
--accent:#2563a8;--good:#1d7a3e;--computes:#2f6fb5;--sends:#d9762b;--waits:#c3cad3;--mark:#b3261e;
--c0:#2563a8;--c1:#c2571a;--c2:#1f8a4c;--c3:#a3257d;--c4:#86700a;--c5:#0f858c;--c6:#6d4bc3;--c7:#b3313a}
:root[data-theme=dark]{color-scheme:dark;--back:#101317;--card:#181c22;--text:#e6eaf0;--faint:#9aa5b2;--line:#2c333c;--grid:#262c34;--tint:#6aa8ee2b;
--accent:#6aa8ee;--good:#63c586;--computes:#4f94df;--sends:#f09a5f;--waits:#46505c;--mark:#ff8a80;
--c0:#6aa8ee;--c1:#f09a5f;--c2:#63c586;--c3:#e27bc4;--c4:#d3bf52;--c5:#56cbd2;--c6:#ae97f2;--c7:#ef7f86}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{margin:0 auto;padding:20px 16px 48px;max-width:1280px}
header{display:flex;gap:12px;align-items:flex-start;justify-content:space-between}
h1{font-size:26px;line-height:1.2;margin:4px 0 6px}h2{font-size:19px;margin:36px 0 4px}p{margin:4px 0 12px}
small,.small{color:var(--faint);font-size:13px}
button,input{font:inherit;color:inherit}
#theme{border:1px solid var(--line);background:var(--card);border-radius:8px;padding:4px 10px;cursor:pointer}
.facts{display:flex;flex-wrap:wrap;gap:4px 18px;margin:8px 0 0;padding:0;list-style:none;font-size:13px;color:var(--faint)}
.facts b{color:var(--text);font-weight:600}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,220px),1fr));gap:12px;margin:18px 0 0}
.card,figure,.table{background:var(--card);border:1px solid var(--line);border-radius:10px}
.card{padding:12px 14px}.card b{display:block;font-size:24px;line-height:1.3;color:var(--good)}.card span{display:block}
.table{overflow:auto;max-height:80vh}
table{border-collapse:separate;border-spacing:0;font-size:14px;white-space:nowrap;min-width:100%;font-variant-numeric:tabular-nums}
th,td{padding:6px 12px;text-align:right;border-bottom:1px solid var(--grid)}
tbody tr:last-child td{border-bottom:0}tbody tr:hover td{background-color:var(--tint)}
th{position:sticky;top:0;background:var(--card);z-index:2;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{position:sticky;left:0;background-color:var(--card);text-align:left;border-right:1px solid var(--grid);z-index:1}
th:first-child{z-index:3}th:nth-child(2),td:nth-child(2),th:nth-child(4),td:nth-child(4){text-align:left}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible,#theme:focus-visible,input:focus-visible{outline:2px solid var(--accent)}
th button::after{content:"";display:inline-block;width:1em;color:var(--accent)}
th[aria-sort=ascending] button::after{content:" \25B2";font-size:10px}th[aria-sort=descending] button::after{content:" \25BC";font-size:10px}
td[style]{background-image:linear-gradient(var(--tint),var(--tint));background-size:var(--part) 70%;background-position:right center;background-repeat:no-repeat}
.best{font-weight:700;color:var(--good)}
#filter{width:min(100%,320px);margin:4px 0 10px;padding:6px 10px;border:1px solid var(--line);border-radius:8px;background:var(--card)}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,390px),1fr));gap:14px;align-items:start;margin-top:12px}
.lines{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,560px),1fr));gap:14px;align-items:start;margin-top:12px}
figure{margin:0;padding:12px 14px}figcaption{font-weight:600;margin:0 0 6px}figcaption small{display:block;font-weight:400}
svg{display:block;width:100%;height:auto}svg text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--faint)}
.grid{stroke:var(--grid)}.even{stroke:var(--faint);stroke-dasharray:2 4}
polyline{fill:none;stroke:var(--c);stroke-width:2}circle{fill:var(--c);stroke:var(--card);stroke-width:1.5}.interval{stroke:var(--c);stroke-width:2}
.again polyline{stroke-dasharray:6 4}.again circle{fill:var(--card);stroke:var(--c);stroke-width:2}
.key{display:flex;flex-wrap:wrap;gap:3px 14px;margin:8px 0 0;padding:0;list-style:none;font-size:13px}
.key li{display:flex;gap:6px;align-items:baseline}
.key i{flex:none;width:11px;height:11px;border-radius:3px;background:var(--c);border:2px solid var(--c)}.key i.again{background:none}
.c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}.c6{--c:var(--c6)}.c7{--c:var(--c7)}
.computes{--c:var(--computes)}.sends{--c:var(--sends)}.waits{--c:var(--waits)}.mark{--c:var(--mark)}
.strips svg{height:22px;background:var(--grid);border-radius:4px;grid-column:1/3}.strips rect,.strips path{fill:var(--c)}.strips .mark{stroke:var(--c);stroke-width:2;vector-effect:non-scaling-stroke}
.row{display:grid;grid-template-columns:1fr auto;gap:1px 10px;margin:7px 0;font-size:13px}.row b{font-weight:400;color:var(--faint);text-align:right}
.ticks{display:flex;justify-content:space-between;font-size:12px;color:var(--faint)}
details{margin-top:12px}summary{cursor:pointer;font-weight:600}
pre{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;overflow-x:auto;font-size:13px}
@media print{#theme,#filter{display:none}.table{max-height:none}}
</style>
<script>
(function(){var root=document.documentElement;
function chosen(){var wish=location.hash.slice(1);return wish==='dark'||wish==='light'?wish:matchMedia('(prefers-color-scheme:dark)').matches?'dark':'light'}
root.dataset.theme=chosen();addEventListener('hashchange',function(){root.dataset.theme=chosen()})})()
</script>
)";

const std::string_view kCompareScript = R"(<script>
(function(){
document.getElementById('theme').addEventListener('click',function(){var root=document.documentElement;
root.dataset.theme=root.dataset.theme==='dark'?'light':'dark'});
var body=document.querySelector('tbody');
document.getElementById('filter').addEventListener('input',function(){var words=this.value.toLowerCase().split(/\s+/);
Array.from(body.rows).forEach(function(row){var text=row.textContent.toLowerCase();
row.hidden=!words.every(function(word){return text.includes(word)})})});
document.querySelectorAll('th button').forEach(function(button){button.addEventListener('click',function(){
var head=button.parentNode,column=head.cellIndex,before=head.getAttribute('aria-sort');
var up=before?before==='descending':head.dataset.first!=='down';
head.parentNode.querySelectorAll('th').forEach(function(other){other.removeAttribute('aria-sort')});
head.setAttribute('aria-sort',up?'ascending':'descending');
function key(row){var value=row.cells[column].dataset.value;return value===undefined?row.cells[column].textContent:value===''?null:Number(value)}
Array.from(body.rows).sort(function(a,b){var x=key(a),y=key(b);
if(x===null||y===null)return(x===null)-(y===null);
var order=typeof x==='number'?x-y:x.localeCompare(y);return up?order:-order}).forEach(function(row){body.appendChild(row)})})})
})()
</script>
)";

}  // namespace covey
