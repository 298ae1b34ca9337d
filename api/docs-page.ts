import { createHash } from "node:crypto";

/** The page reads openapi.json and shows every route with a form to try it; one file, nothing from elsewhere. */
const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--accent:#2563eb}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre,textarea,input{font:13px/1.45 ui-monospace,monospace}
b{display:inline-block;min-width:3.2rem;color:var(--accent)}pre{background:var(--soft);padding:.6rem;overflow:auto;max-height:24rem;border-radius:4px}
label{display:block;margin:.4rem 0}input{width:24rem;max-width:100%}textarea{width:100%;min-height:6rem}
table{border-collapse:collapse}td{padding:.1rem .8rem .1rem 0;vertical-align:top}`;

const script = `
const text=(tag,content,parent)=>{const e=document.createElement(tag);if(content!==undefined)e.textContent=content;parent&&parent.append(e);return e};
const spec=await(await fetch('/api/openapi.json')).json();
const main=document.querySelector('main'),token=document.querySelector('#token');
const deref=s=>s&&s.$ref?spec.components.schemas[s.$ref.split('/').pop()]:s;
const sample=(s,depth=0)=>{s=deref(s);if(!s||depth>4)return null;if('example'in s)return s.example;if('default'in s)return s.default;if(s.enum)return s.enum[0];
const any=s.anyOf||s.oneOf||s.allOf;if(any)return sample(any[0],depth+1);const t=Array.isArray(s.type)?s.type[0]:s.type;
if(t==='object'){const o={};for(const k of s.required||[])o[k]=sample((s.properties||{})[k],depth+1);return o}
if(t==='array')return[];return{string:'',number:0,integer:0,boolean:false}[t]??null};
const tags={};
for(const[path,item]of Object.entries(spec.paths))for(const[method,op]of Object.entries(item)){
const tag=(op.tags||['other'])[0];tags[tag]??=text('section',undefined,main);if(!tags[tag].children.length)text('h2',tag,tags[tag]);
const d=text('details',undefined,tags[tag]),s=text('summary',undefined,d);text('b',method.toUpperCase(),s);text('code',path,s);s.append(' '+(op.summary||''));
if(op.description)text('p',op.description,d);const form=text('form',undefined,d),inputs={};
for(const p of op.parameters||[]){const l=text('label',p.in+' '+p.name+(p.required?' *':'')+' ',form);const i=document.createElement('input');i.name=p.name;i.required=!!p.required;if(p.description)i.title=p.description;l.append(i);inputs[p.in+':'+p.name]=i}
let area;const json=op.requestBody?.content?.['application/json'];if(json){area=document.createElement('textarea');area.value=JSON.stringify(sample(json.schema),null,2);form.append(area)}
const table=text('table',undefined,d);for(const[status,r]of Object.entries(op.responses)){const row=text('tr',undefined,table);text('td',status,row);text('td',r.description,row)}
text('button','Send',form);const out=document.createElement('pre');out.hidden=true;form.append(out);
form.onsubmit=async e=>{e.preventDefault();out.hidden=false;out.textContent='…';let url=path;const query=new URLSearchParams(),headers={};
for(const[key,i]of Object.entries(inputs)){if(!i.value)continue;const at=key.indexOf(':'),where=key.slice(0,at),name=key.slice(at+1);if(where==='path')url=url.replace('{'+name+'}',encodeURIComponent(i.value));else if(where==='query')query.set(name,i.value);else headers[name]=i.value}
if(token.value)headers.authorization='Bearer '+token.value;if(area)headers['content-type']='application/json';
const q=query.toString();try{const r=await fetch(url+(q?'?'+q:''),{method:method.toUpperCase(),headers,body:area?area.value:undefined,signal:AbortSignal.timeout(20000)});
const body=await r.text();let shown=body;try{shown=JSON.stringify(JSON.parse(body),null,2)}catch{}out.textContent=r.status+' '+r.statusText+'\\n\\n'+shown}catch(error){out.textContent=String(error)}}}
`;

const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Only this page's own style and script, by their digests. */
export const docsPolicy = `default-src 'none'; connect-src 'self'; style-src ${digest(style)}; script-src ${digest(script)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const docsPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Countersign API</title><style>${style}</style></head>
<body><h1>Countersign API</h1><p>The contract is <a href="/api/openapi.json">openapi.json</a>. Commands are carried out for real.</p>
<p><label>Token <input id="token" type="password" autocomplete="off" spellcheck="false"></label></p><main></main>
<script type="module">${script}</script></body></html>
`;
