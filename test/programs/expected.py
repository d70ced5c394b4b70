"""Writes NAME.grad, NAME.data.json and NAME.expected.json of this folder: each program beside the same computation
in PyTorch, whose values and gradients in float64 are the expected ones. Run by hand where a program is added:
    python3 expected.py
"""
import torch, json, os, sys, math
torch.set_default_dtype(torch.float64)
OUT = os.path.dirname(os.path.abspath(__file__))
def num(v):
    v = float(v)
    if math.isnan(v): return "NaN"
    if math.isinf(v): return "Infinity" if v > 0 else "-Infinity"
    return v
def T(t, dt="f32"):
    t = t.detach()
    if t.dtype == torch.bool: return {"shape": list(t.shape), "dtype": "bool", "data": [int(x) for x in t.reshape(-1)]}
    if t.dtype in (torch.int64, torch.int32): return {"shape": list(t.shape), "dtype": "i32", "data": [int(x) for x in t.reshape(-1)]}
    return {"shape": list(t.shape), "dtype": dt, "data": [num(x) for x in t.reshape(-1)]}
def f32(t): return t.float().double()
cases = {}
def case(name, src, inputs={}, params={}, dims={}, wrt=None, loss="l"):
    def deco(fn):
        env = {}
        ins = {k: (f32(v) if v.is_floating_point() else v) for k, v in inputs.items()}
        pars = {k: f32(v) for k, v in params.items()}
        w = wrt if wrt is not None else list(pars)
        for k, v in {**ins, **pars}.items():
            v = v.clone()
            if k in w: v.requires_grad_(True)
            env[k] = v
        outs = fn(**env)
        l = outs[loss]
        gr = torch.autograd.grad(l, [env[k] for k in w], allow_unused=True)
        grads = {k: T(g if g is not None else torch.zeros_like(env[k])) for k, g in zip(w, gr)}
        open(f"{OUT}/{name}.grad", "w").write(src)
        json.dump({"dims": dims, "inputs": {k: T(v) for k, v in ins.items()}, "params": {k: T(v) for k, v in pars.items()}}, open(f"{OUT}/{name}.data.json", "w"))
        json.dump({"loss": loss, "wrt": w, "outputs": {k: T(v) for k, v in outs.items()}, "grads": {loss: grads}}, open(f"{OUT}/{name}.expected.json", "w"))
    return deco
torch.manual_seed(0)
R = torch.randn
import torch.nn.functional as F
G = torch.autograd.grad

# 1 LSTM over time, batch
B,Tn,I,H = 3,5,4,6
@case("lstm", """
dim B, T, I, H
input x: f32[B, T, I]
param Wi: f32[4, I, H], Wh: f32[4, H, H], b: f32[4, H]
rec t in 0..T {
  h[0, n in 0..B, j in 0..H] = 0
  c[0, n in 0..B, j in 0..H] = 0
  g[t, n, k, j] = sum[i] x[n, t, i] * Wi[k, i, j] + sum[m] h[t, n, m] * Wh[k, m, j] + b[k, j]
  c[t + 1, n, j] = sigmoid(g[t, n, 1, j]) * c[t, n, j] + sigmoid(g[t, n, 0, j]) * tanh(g[t, n, 2, j])
  h[t + 1, n, j] = sigmoid(g[t, n, 3, j]) * tanh(c[t + 1, n, j])
}
output last[n in 0..B, j in 0..H] = h[T, n, j]
loss l = mean[n, j] last[n, j]^2
""", dict(x=R(B,Tn,I)), dict(Wi=R(4,I,H)*.4, Wh=R(4,H,H)*.4, b=R(4,H)*.1), wrt=["x","Wi","Wh","b"])
def _(x,Wi,Wh,b):
    h=torch.zeros(B,H); c=torch.zeros(B,H)
    for t in range(Tn):
        g=torch.einsum("ni,kij->nkj",x[:,t],Wi)+torch.einsum("nm,kmj->nkj",h,Wh)+b
        c=torch.sigmoid(g[:,1])*c+torch.sigmoid(g[:,0])*torch.tanh(g[:,2])
        h=torch.sigmoid(g[:,3])*torch.tanh(c)
    return dict(last=h,l=(h**2).mean())

# 2 Kalman filter scalar, downward smoother
Tn=7
@case("kalman", """
dim T
input y: f32[T]
param a: f32, q: f32, r: f32
rec t in 0..T {
  m[0] = 0
  P[0] = 1
  mp[t] = a * m[t]
  Pp[t] = a^2 * P[t] + exp(q)
  S[t] = Pp[t] + exp(r)
  K[t] = Pp[t] / S[t]
  m[t + 1] = mp[t] + K[t] * (y[t] - mp[t])
  P[t + 1] = (1 - K[t]) * Pp[t]
}
rec t in T..0 {
  s[T] = m[T]
  s[t] = m[t] + P[t] * a / (a^2 * P[t] + exp(q)) * (s[t + 1] - a * m[t])
}
output smooth = s
loss l = 0.5 * sum[t in 0..T] (log(2 * pi * S[t]) + (y[t] - mp[t])^2 / S[t]) + sum[t in 0..T] s[t]^2
""", dict(y=R(Tn)), dict(a=torch.tensor(.8), q=torch.tensor(-.5), r=torch.tensor(-1.)), wrt=["a","q","r","y"])
def _(y,a,q,r):
    m=[torch.tensor(0.)]; P=[torch.tensor(1.)]; L=0
    for t in range(Tn):
        mp=a*m[-1]; Pp=a**2*P[-1]+torch.exp(q); S=Pp+torch.exp(r); K=Pp/S
        L=L+.5*(torch.log(2*math.pi*S)+(y[t]-mp)**2/S)
        m.append(mp+K*(y[t]-mp)); P.append((1-K)*Pp)
    s=[None]*(Tn+1); s[Tn]=m[Tn]
    for t in reversed(range(Tn)):
        s[t]=m[t]+P[t]*a/(a**2*P[t]+torch.exp(q))*(s[t+1]-a*m[t])
    s=torch.stack(s)
    return dict(smooth=s,l=L+(s[:Tn]**2).sum())

# 3 stencil: heat 2D with boundary zero, several steps
N=6
@case("heat2d", """
dim N, S = 4
param u0: f32[N, N], k: f32
rec t in 0..S {
  u[0, i, j] = u0[i, j]
  u[t + 1, i, j] = u[t, i, j] + k * ((u[t, i - 1, j] ?? 0) + (u[t, i + 1, j] ?? 0) + (u[t, i, j - 1] ?? 0) + (u[t, i, j + 1] ?? 0) - 4 * u[t, i, j])
}
output final[i in 0..N, j in 0..N] = u[S, i, j]
loss l = sum[i, j] final[i, j]^3
""", {}, dict(u0=R(N,N), k=torch.tensor(.1)))
def _(u0,k):
    u=u0
    for _ in range(4):
        p=F.pad(u,(1,1,1,1))
        u=u+k*(p[:-2,1:-1]+p[2:,1:-1]+p[1:-1,:-2]+p[1:-1,2:]-4*u)
    return dict(final=u,l=(u**3).sum())

# 4 contrastive InfoNCE
B,D=5,4
@case("infonce", """
dim B, D
input a: f32[B, D], p: f32[B, D]
param W: f32[D, D], logt: f32
za[b, e] = sum[d] a[b, d] * W[d, e]
zp[b, e] = sum[d] p[b, d] * W[d, e]
na[b, e] = za[b, e] / sqrt(sum[k] za[b, k]^2)
np[b, e] = zp[b, e] / sqrt(sum[k] zp[b, k]^2)
s[b, c] = exp(logt) * sum[e] na[b, e] * np[c, e]
loss l = mean[b] (logsumexp[c] s[b, c] - s[b, b])
output acc = mean[b] (if argmax[c] s[b, c] == b then 1.0 else 0.0)
""", dict(a=R(B,D),p=R(B,D)), dict(W=R(D,D), logt=torch.tensor(.7)))
def _(a,p,W,logt):
    za=F.normalize(a@W,dim=1); zp=F.normalize(p@W,dim=1)
    s=torch.exp(logt)*za@zp.T
    return dict(l=F.cross_entropy(s,torch.arange(B)),acc=(s.argmax(1)==torch.arange(B)).double().mean())

# 5 negative binomial regression with lgamma
@case("negbin", """
dim N, K
input X: f32[N, K], yi: i32[N] in 0..100
param w: f32[K], logr: f32
y[n] = f32(yi[n])
r = exp(logr)
mu[n] = exp(sum[k] X[n, k] * w[k])
ll[n] = lgamma(y[n] + r) - lgamma(r) - lgamma(y[n] + 1.0) + r * (log(r) - log(r + mu[n])) + y[n] * (log(mu[n]) - log(r + mu[n]))
loss l = -mean[n] ll[n]
""", dict(X=R(8,3),yi=torch.randint(0,10,(8,))), dict(w=R(3)*.3, logr=torch.tensor(.4)))
def _(X,yi,w,logr):
    y=yi
    r=torch.exp(logr); mu=torch.exp(X@w); y=y.double()
    ll=torch.lgamma(y+r)-torch.lgamma(r)-torch.lgamma(y+1)+r*(torch.log(r)-torch.log(r+mu))+y*(torch.log(mu)-torch.log(r+mu))
    return dict(l=-ll.mean())

# 6 second-order penalty (WGAN-GP like)
@case("gradpen", """
dim B, D, H
input x: f32[B, D]
param W: f32[D, H], v: f32[H]
h[b, j] = tanh(sum[d] x[b, d] * W[d, j])
f[b] = sum[j] h[b, j] * v[j]
total = sum[b] f[b]
gx = grad(total, x)
loss l = mean[b] f[b] + 10 * mean[b] (sqrt(sum[d] gx[b, d]^2 + 1e-12) - 1)^2
""", dict(x=R(4,3)), dict(W=R(3,5), v=R(5)))
def _(x,W,v):
    x=x.detach().requires_grad_(True)
    f=torch.tanh(x@W)@v
    gx,=torch.autograd.grad(f.sum(),x,create_graph=True)
    return dict(l=f.mean()+10*((torch.sqrt((gx**2).sum(1)+1e-12)-1)**2).mean())

# 7 per-example gradient under indices
@case("perex", """
dim B, D
input x: f32[B, D]
param w: f32[D]
fn u(z: f32[D]) -> y: f32 { y = sin(sum[d] z[d] * w[d]) * sum[d] z[d]^2 }
g[b, d] = grad(u(x[b]), x[b])[d]
loss l = sum[b, d] g[b, d]^2
""", dict(x=R(4,3)), dict(w=R(3)))
def _(x,w):
    x=x.detach().requires_grad_(True)
    u=torch.sin(x@w)*(x**2).sum(1)
    g,=torch.autograd.grad(u.sum(),x,create_graph=True)
    return dict(l=(g**2).sum())

# 8 ties and kinks
@case("kinks", """
dim N
param x: f32[N]
y[i] = relu(x[i]) + abs(x[i]) + max(x[i], 0.5) + min(x[i], 1)
m = max[i] x[i]
loss l = sum[i] y[i] * (i + 1) + 3 * m
""", {}, dict(x=torch.tensor([0.,1.,-1.,.5,2.,2.])))
def _(x):
    i=torch.arange(6).double()
    y=torch.relu(x)+torch.abs(x)+torch.maximum(x,torch.tensor(.5))+torch.minimum(x,torch.tensor(1.))
    return dict(l=(y*(i+1)).sum()+3*x[x.argmax()])

# 9 guarded branch without NaN
@case("guarded", """
dim N
param x: f32[N], p: f32
y[i] = if x[i] > 0 then log(x[i]) + x[i]^p else 0
z[i] = if x[i] != 0 then sin(x[i]) / x[i] else 1
loss l = sum[i] y[i] * z[i]
""", {}, dict(x=torch.tensor([0.,1.,-1.,.5,2.,-3.]),p=torch.tensor(1.5)))
def _(x,p):
    ok=x>0; xs=torch.where(ok,x,torch.ones_like(x))
    y=torch.where(ok,torch.log(xs)+xs**p,torch.zeros_like(x))
    nz=x!=0; xz=torch.where(nz,x,torch.ones_like(x))
    z=torch.where(nz,torch.sin(xz)/xz,torch.ones_like(x))
    return dict(l=(y*z).sum())

# 10 product with zeros
@case("prods", """
dim N, M
param x: f32[N, M]
p[i] = prod[j] x[i, j]
c[i, j] = cumprod[j] x[i, j]
s[i, j] = cumsum[j] x[i, j]
output c2 = c
loss l = sum[i] p[i] * (i + 1) + sum[i, j] c[i, j] * s[i, j]
""", {}, dict(x=torch.tensor([[1.,2.,3.,4.],[0.,2.,3.,4.],[0.,2.,0.,4.],[-1.,2.,.5,0.]])))
def _(x):
    c=torch.stack([torch.stack([torch.stack([x[i,k] for k in range(j+1)]).prod() for j in range(4)]) for i in range(4)])
    s=x.cumsum(1)
    p=c[:,-1]
    return dict(c2=c,l=(p*(torch.arange(4)+1)).sum()+(c*s).sum())

# 11 matrix factorisation with gathers, repeated
@case("matfac", """
dim U, I, K, N
input user: i32[N] in 0..U, item: i32[N] in 0..I, rating: f32[N]
param P: f32[U, K], Q: f32[I, K], bu: f32[U], bi: f32[I], mu: f32
pred[n] = mu + bu[user[n]] + bi[item[n]] + sum[k] P[user[n], k] * Q[item[n], k]
loss l = mean[n] (pred[n] - rating[n])^2 + 0.1 * (sum[u, k] P[u, k]^2 + sum[i, k] Q[i, k]^2)
output pred2 = pred
""", dict(user=torch.tensor([0,1,1,3,0,1]),item=torch.tensor([2,2,0,1,2,2]),rating=R(6)), dict(P=R(4,3),Q=R(3,3),bu=R(4),bi=R(3),mu=torch.tensor(.2)))
def _(user,item,rating,P,Q,bu,bi,mu):
    pred=mu+bu[user]+bi[item]+(P[user]*Q[item]).sum(1)
    return dict(pred2=pred,l=((pred-rating)**2).mean()+.1*((P**2).sum()+(Q**2).sum()))

# 12 sampler: leapfrog HMC trajectory
@case("hmc", """
dim D, S = 5
input q0: f32[D], p0: f32[D]
param A: f32[D, D]
fn U(q: f32[D]) -> e: f32 { e = 0.5 * sum[i, j] q[i] * A[i, j] * q[j] + 0.25 * sum[i] q[i]^4 }
rec t in 0..S {
  q[0] = q0
  p[0] = p0
  ph[t, i] = p[t, i] - 0.05 * grad(U(q[t]), q[t])[i]
  q[t + 1, i] = q[t, i] + 0.1 * ph[t, i]
  p[t + 1, i] = ph[t, i] - 0.05 * grad(U(q[t + 1]), q[t + 1])[i]
}
output qT[i in 0..D] = q[S, i]
loss l = U(qT) + 0.5 * sum[i in 0..D] p[S, i]^2
""", dict(q0=R(3),p0=R(3)), dict(A=R(3,3)), wrt=["A","q0","p0"])
def _(q0,p0,A):
    U=lambda q: .5*q@A@q+.25*(q**4).sum()
    dU=lambda q: .5*(A+A.T)@q+q**3
    q,p=q0,p0
    for _ in range(5):
        ph=p-.05*dU(q); q=q+.1*ph; p=ph-.05*dU(q)
    return dict(qT=q,l=U(q)+.5*(p**2).sum())

# 13 CTC-like forward / viterbi lags 2
@case("lag2", """
dim T
input e: f32[T]
param a: f32, b: f32
rec t in 2..T {
  x[0] = 1
  x[1] = a
  x[t] = a * x[t - 1] + b * x[t - 2] + e[t]
}
output xs = x
loss l = mean[t] x[t]^2
""", dict(e=R(8)), dict(a=torch.tensor(.5),b=torch.tensor(-.3)), wrt=["a","b","e"])
def _(e,a,b):
    x=[torch.tensor(1.),a]
    for t in range(2,8): x.append(a*x[-1]+b*x[-2]+e[t])
    x=torch.stack([v+0 for v in x]); return dict(xs=x,l=(x**2).mean())

# 14 depthwise + strided conv + pooling + layer norm
@case("convs", """
dim B, C, L, K = 3
input x: f32[B, C, L]
param d: f32[C, K], w: f32[C, 4], g: f32[4]
y[b, c, u in 0..L / 2] = sum[k] (x[b, c, 2 * u + k - 1] ?? 0) * d[c, k]
z[b, o, u] = sum[c] y[b, c, u] * w[c, o]
m[b, o, v in 0..L / 4] = max[r in 0..2] z[b, o, 2 * v + r]
mu[b, v] = mean[o] m[b, o, v]
s[b, v] = mean[o] (m[b, o, v] - mu[b, v])^2
n[b, o, v] = (m[b, o, v] - mu[b, v]) * rsqrt(s[b, v] + 1e-3) * g[o]
loss l = mean[b, o, v] gelu(n[b, o, v]) * silu(n[b, o, v] + 1)
""", dict(x=R(2,3,8)), dict(d=R(3,3),w=R(3,4),g=R(4)), wrt=["d","w","g","x"])
def _(x,d,w,g):
    y=F.conv1d(x,d[:,None,:],stride=2,padding=1,groups=3)
    z=torch.einsum("bcu,co->bou",y,w)
    m=F.max_pool1d(z,2)
    mu=m.mean(1,keepdim=True); s=((m-mu)**2).mean(1,keepdim=True)
    n=(m-mu)/torch.sqrt(s+1e-3)*g[None,:,None]
    return dict(l=(F.gelu(n)*F.silu(n+1)).mean())

# 15 hvp in loss; jacobian
@case("jac", """
dim D
param x: f32[D], A: f32[D, D]
input v: f32[D]
y[i] = tanh(sum[j] A[i, j] * x[j]) * x[i]
J = jacobian(y, x)
e = sum[i] y[i]^2
hv = hvp(e, x, v)
tang = jvp(y, x, v)
cot = vjp(y, x, v)
output J2 = J
output hv2 = hv
output tang2 = tang
output cot2 = cot
loss l = sum[i, j] J[i, j]^2 + sum[i] hv[i] * x[i] + sum[i] tang[i] * cot[i]
""", dict(v=R(3)), dict(x=R(3),A=R(3,3)))
def _(v,x,A):
    f=lambda x: torch.tanh(A@x)*x
    J=torch.autograd.functional.jacobian(f,x,create_graph=True)
    e=lambda x:(f(x)**2).sum()
    g,=torch.autograd.grad(e(x),x,create_graph=True)
    hv,=torch.autograd.grad(g,x,v,create_graph=True)
    tang=J@v; cot=v@J
    return dict(J2=J,hv2=hv,tang2=tang,cot2=cot,l=(J**2).sum()+(hv*x).sum()+(tang*cot).sum())

# 16 scalar function mix second order
@case("scal2", """
dim N
param x: f32[N]
e = sum[i] (lgamma(x[i] + 2) + erf(x[i]) * digamma(x[i] + 3) + atan2(x[i], 2) + asinh(x[i]) + log1p(x[i]^2) + expm1(x[i]) + softplus(x[i]) + log_sigmoid(x[i]) + mish(x[i]) + selu(x[i]) + elu(x[i]) + hypot(x[i], 1) + cbrt(x[i] + 5) + exp2(x[i]) + rsqrt(x[i] + 4) + erfc(x[i]) + tan(x[i] / 4) + acos(x[i] / 9) + sinh(x[i]) + atanh(x[i] / 9) + acosh(x[i] + 5))
g = grad(e, x)
loss l = sum[i] g[i]^2 + e
""", {}, dict(x=torch.tensor([.3,-.7,1.2,-1.1,.05])))
def _(x):
    x0=x
    e=(torch.lgamma(x+2)+torch.erf(x)*torch.digamma(x+3)+torch.atan2(x,torch.full_like(x,2.))+torch.asinh(x)+torch.log1p(x**2)+torch.expm1(x)+F.softplus(x,threshold=1e9)+F.logsigmoid(x)+x*torch.tanh(F.softplus(x,threshold=1e9))+1.0507009873554805*torch.where(x>0,x,1.6732632423543772*torch.expm1(x))+torch.where(x>0,x,torch.expm1(x))+torch.hypot(x,torch.ones_like(x))+(x+5)**(1/3)+torch.exp2(x)+torch.rsqrt(x+4)+torch.erfc(x)+torch.tan(x/4)+torch.acos(x/9)+torch.sinh(x)+torch.atanh(x/9)+torch.acosh(x+5)).sum()
    g,=torch.autograd.grad(e,x,create_graph=True)
    return dict(l=(g**2).sum()+e)

# 17 attention: causal, with key mask input bool and long row
@case("maskatt", """
dim B, T, E
input q: f32[B, T, E], keep: bool[B, T]
param Wk: f32[E, E], Wv: f32[E, E]
k[b, t, e] = sum[d] q[b, t, d] * Wk[d, e]
v[b, t, e] = sum[d] q[b, t, d] * Wv[d, e]
a[b, t, u] = softmax[u | u <= t and keep[b, u]] ((sum[e] q[b, t, e] * k[b, u, e]) / sqrt(E))
o[b, t, e] = sum[u] a[b, t, u] * v[b, u, e]
output o2 = o
loss l = mean[b, t, e] o[b, t, e]^2
""", dict(q=R(2,4,3),keep=torch.tensor([[True,True,False,True],[False,True,True,True]])), dict(Wk=R(3,3),Wv=R(3,3)))
def _(q,keep,Wk,Wv):
    k=q@Wk; v=q@Wv
    s=q@k.transpose(1,2)/math.sqrt(3)
    m=torch.tril(torch.ones(4,4)).bool()[None]&keep[:,None,:]
    e=torch.exp(s-s.max())*m
    z=e.sum(-1,keepdim=True)
    a=torch.where(z>0,e/torch.where(z>0,z,torch.ones_like(z)),torch.zeros_like(e))
    o=a@v
    return dict(o2=o,l=(o**2).mean())

# 18 log_softmax gather, label smoothing, focal
@case("focal", """
dim B, C
input y: i32[B] in 0..C, x: f32[B, 3]
param W: f32[3, C]
z[b, c] = sum[k] x[b, k] * W[k, c]
lp[b, c] = log_softmax[c] z[b, c]
pt[b] = exp(lp[b, y[b]])
loss l = mean[b] (-(1 - pt[b])^2 * lp[b, y[b]]) - 0.1 * mean[b, c] lp[b, c]
""", dict(y=torch.tensor([0,3,2,1,3]),x=R(5,3)), dict(W=R(3,4)))
def _(y,x,W):
    lp=F.log_softmax(x@W,1); lt=lp[torch.arange(5),y]; pt=torch.exp(lt)
    return dict(l=(-(1-pt)**2*lt).mean()-.1*lp.mean())

# 19 diag, trace, transposes, concat, reshape
@case("shapes", """
dim N
param A: f32[N, N], b: f32[N]
d[i] = A[i, i]
tr = sum[i] A[i, i]
S[i, j] = A[i, j] - A[j, i]
c[i] = concat[i](b[i], d[i], b[i])
r = reshape(A, [N * N])
rr[k in 0..N * N] = r[N * N - 1 - k]
M = A @ A
w = M @ b
output c2 = c
output w2 = w
output r2 = rr
loss l = tr * sum[i, j] S[i, j]^2 * b[i] + sum[k in 0..3 * N] c[k]^2 * k + sum[k in 0..N * N] r[k] * rr[k] + sum[i] w[i]^2
""", {}, dict(A=R(3,3),b=R(3)))
def _(A,b):
    d=torch.diagonal(A); S=A-A.T; c=torch.cat([b,d,b]); r=A.reshape(-1); w=A@A@b; rr=r.flip(0)
    return dict(c2=c,w2=w,r2=rr,l=d.sum()*((S**2)*b[:,None]).sum()+(c**2*torch.arange(9)).sum()+(r*rr).sum()+(w**2).sum())

# 20 GP log marginal via cholesky in rec
@case("chol", """
dim N
input x: f32[N], y: f32[N]
param ls: f32, s: f32
K[i, j] = exp(-0.5 * ((x[i] - x[j]) / exp(ls))^2) + (if i == j then exp(s) else 0)
rec c in 0..N {
  W[0, i, j] = K[i, j]
  col[c, i] = if i >= c then W[c, i, c] / sqrt(W[c, c, c]) else 0
  W[c + 1, i, j] = W[c, i, j] - col[c, i] * col[c, j]
}
rec i in 0..N {
  rs[0, k] = y[k]
  al[i] = rs[i, i] / col[i, i]
  rs[i + 1, k] = rs[i, k] - col[i, k] * al[i]
}
loss l = 0.5 * sum[i in 0..N] al[i]^2 + sum[i in 0..N] log(col[i, i])
""", dict(x=R(4),y=R(4)), dict(ls=torch.tensor(.1),s=torch.tensor(-1.)))
def _(x,y,ls,s):
    K=torch.exp(-.5*((x[:,None]-x[None])/torch.exp(ls))**2)+torch.exp(s)*torch.eye(4)
    L=torch.linalg.cholesky(K); al=torch.triangular_solve(y[:,None],L,upper=False)[0][:,0]
    return dict(l=.5*(al**2).sum()+torch.log(torch.diagonal(L)).sum())

# 21 MAML: inner gradient step
@case("maml", """
dim N, D
input xs: f32[N, D], ys: f32[N], xq: f32[N, D], yq: f32[N]
param w: f32[D], lr: f32
inner = mean[n] (sum[d] xs[n, d] * w[d] - ys[n])^2
g = grad(inner, w)
w2[d] = w[d] - lr * g[d]
inner2 = mean[n] (sum[d] xs[n, d] * w2[d] - ys[n])^2
g2 = grad(inner2, w2)
w3[d] = w2[d] - lr * g2[d]
loss l = mean[n] tanh(sum[d] xq[n, d] * w3[d] - yq[n])^2
""", dict(xs=R(5,3),ys=R(5),xq=R(5,3),yq=R(5)), dict(w=R(3),lr=torch.tensor(.1)))
def _(xs,ys,xq,yq,w,lr):
    f=lambda w:((xs@w-ys)**2).mean()
    g,=torch.autograd.grad(f(w),w,create_graph=True); w2=w-lr*g
    g2,=torch.autograd.grad(f(w2),w2,create_graph=True); w3=w2-lr*g2
    return dict(l=(torch.tanh(xq@w3-yq)**2).mean())

# 22 clamp/floor/mod subscripts
@case("subs", """
dim N
param x: f32[N]
a[i in 0..N] = x[clamp(i - 2, 0, N - 1)] * x[i / 2] + x[(i + 3) % N]
b[i in 0..2 * N] = x[i / 2] * (i + 1)
c[i in 0..N / 2] = x[2 * i + 1] - x[2 * i]
loss l = sum[i] a[i]^2 + sum[i] b[i]^2 + sum[i] c[i]^3
output a2 = a
""", {}, dict(x=R(6)))
def _(x):
    i=torch.arange(6)
    a=x[(i-2).clamp(0,5)]*x[i//2]+x[(i+3)%6]; k=torch.arange(12); b=x[k//2]*(k+1); c=x[1::2]-x[::2]
    return dict(a2=a,l=(a**2).sum()+(b**2).sum()+(c**3).sum())

# 23 deep stack via rec over layer axis
@case("stack", """
dim B, L, D
input x: f32[B, D]
param W: f32[L, D, D], g: f32[L, D]
rec k in 0..L {
  h[0, b, d] = x[b, d]
  mu[k, b] = mean[d] h[k, b, d]
  n[k, b, d] = (h[k, b, d] - mu[k, b]) * g[k, d]
  h[k + 1, b, d] = h[k, b, d] + relu(sum[e] n[k, b, e] * W[k, e, d])
}
loss l = mean[b, d] h[L, b, d]^2
""", dict(x=R(2,3)), dict(W=R(4,3,3),g=R(4,3)), wrt=["W","g","x"])
def _(x,W,g):
    h=x
    for k in range(4):
        n=(h-h.mean(1,keepdim=True))*g[k]; h=h+torch.relu(n@W[k])
    return dict(l=(h**2).mean())

# 24 edit distance / soft-DTW (2-D recurrences via nested rec?) -> anti-diagonal-free: rec over rows with inner rec
@case("softdtw", """
dim N, M
param a: f32[N], b: f32[M]
D[i, j] = (a[i] - b[j])^2
rec i in 0..N {
  R[0, j in 0..M + 1] = if j == 0 then 0 else 1e3
  rec j in 0..M {
    q[i, 0] = 1e3
    q[i, j + 1] = D[i, j] - log(exp(-R[i, j]) + exp(-R[i, j + 1]) + exp(-q[i, j]))
  }
  R[i + 1, j] = q[i, j]
}
loss l = R[N, M]
""", {}, dict(a=R(3),b=R(4)))
def _(a,b):
    D=(a[:,None]-b[None])**2
    Rw=[torch.tensor(0.)]+[torch.tensor(1e3)]*4
    for i in range(3):
        q=[torch.tensor(1e3)]
        for j in range(4): q.append(D[i,j]-torch.log(torch.exp(-Rw[j])+torch.exp(-Rw[j+1])+torch.exp(-q[j])))
        Rw=q
    return dict(l=Rw[4])

# 25 while
@case("newton", """
param a: f32
rec t in 0..50 while abs(x[t]^2 - a) > 1e-12 {
  x[0] = 1
  x[t + 1] = 0.5 * (x[t] + a / x[t])
}
loss l = x[50]
""", {}, dict(a=torch.tensor(2.)))
def _(a):
    x=torch.tensor(1.); 
    for t in range(50):
        if not abs(x**2-a)>1e-12: break
        x=.5*(x+a/x)
    return dict(l=x)

# 26 custom adjoint: clipped grad / straight-through
@case("ste", """
dim N
param x: f32[N], w: f32[N]
fn ste(u: f32) -> y: f32 { y = round(u) } adjoint(dy) -> (du) { du = dy * (if abs(u) <= 1 then 1 else 0) }
loss l = sum[i] ste(x[i] * 2)^2 * w[i]
""", {}, dict(x=torch.tensor([.3,-.2,.9,-1.4]),w=R(4)))
def _(x,w):
    u=x*2
    m=(u.detach().abs()<=1).double()
    y=torch.round(u.detach())+(u*m-(u*m).detach())
    return dict(l=(y**2*w).sum())

# 27 layers
@case("layers", """
dim B, I
input x: f32[B, I], t: f32[B, 2]
layer dense<B, I, O>(x: f32[B, I]) -> y: f32[B, O] {
  param W: f32[I, O] = glorot_uniform()
  param b: f32[O] = zeros()
  y[n, o] = sum[i] x[n, i] * W[i, o] + b[o]
}
layer block<B, I, O>(x: f32[B, I]) -> y: f32[B, O] {
  inner = dense<O = 5>(x)
  y = dense<O = O>(tanh(inner))
}
m = block<O = 2>(x)
loss l = mean[b, o] (m[b, o] - t[b, o])^2 + 0.01 * sum[i, o] m.inner.W[i, o]^2
""", dict(x=R(3,4),t=R(3,2)), {"m.inner.W":R(4,5),"m.inner.b":R(5),"m.y.W":R(5,2),"m.y.b":R(2)})
def _(x,t,**p):
    m=torch.tanh(x@p["m.inner.W"]+p["m.inner.b"])@p["m.y.W"]+p["m.y.b"]
    return dict(l=((m-t)**2).mean()+.01*(p["m.inner.W"]**2).sum())

# 28 size-zero batch? skipped; neural ODE with functions args nested
@case("node", """
import { rk4 } from "std/ode"
dim B, D, S = 6
input x: f32[B, D]
param W: f32[D, D], b: f32[D]
fn field(z: f32[D]) -> dz: f32[D] { dz[i] = tanh(sum[j] W[i, j] * z[j] + b[i]) }
rec t in 0..S {
  z[0, n] = x[n]
  z[t + 1, n] = rk4(field, z[t, n], 0.1)
}
loss l = mean[n in 0..B, i in 0..D] z[S, n, i]^2
""", dict(x=R(3,2)), dict(W=R(2,2),b=R(2)), wrt=["W","b","x"])
def _(x,W,b):
    f=lambda z: torch.tanh(z@W.T+b); z=x; h=.1
    for _ in range(6):
        k1=f(z);k2=f(z+h/2*k1);k3=f(z+h/2*k2);k4=f(z+h*k3); z=z+h/6*(k1+2*k2+2*k3+k4)
    return dict(l=(z**2).mean())

# 29 bilinear sampling: gather by computed float→int
@case("bilinear", """
dim N, M
param img: f32[N], u: f32[M]
i0[m] = clamp(i32(floor(u[m])), 0, N - 2)
f[m] = u[m] - f32(i0[m])
s[m] = img[i0[m]] * (1 - f[m]) + img[i0[m] + 1] * f[m]
loss l = sum[m] s[m]^2
output s2 = s
""", {}, dict(img=R(6),u=torch.tensor([.3,1.7,2.2,4.4,3.9])))
def _(img,u):
    i0=torch.floor(u.detach()).long().clamp(0,4); f=u-i0
    s=img[i0]*(1-f)+img[i0+1]*f
    return dict(s2=s,l=(s**2).sum())

# 30 several functions results + moments
@case("moments", """
dim B, N
input x: f32[B, N]
param s: f32[N]
fn moments<N>(v: f32[N]) -> (m: f32, v2: f32) { m = mean[i] v[i]; v2 = mean[i] (v[i] - m)^2 }
y[b, i] = x[b, i] * s[i]
mu[b], va[b] = moments(y[b])
loss l = sum[b] mu[b] / sqrt(va[b] + 0.1)
""", dict(x=R(3,4)), dict(s=R(4)), wrt=["s","x"])
def _(x,s):
    y=x*s; mu=y.mean(1); va=((y-mu[:,None])**2).mean(1)
    return dict(l=(mu/torch.sqrt(va+.1)).sum())

torch.manual_seed(1)
# Cox partial likelihood
@case("cox", """
dim N, K
input X: f32[N, K], time: f32[N], event: bool[N]
param w: f32[K]
eta[n] = sum[k] X[n, k] * w[k]
risk[n] = logsumexp[m | time[m] >= time[n]] eta[m]
loss l = -sum[n | event[n]] (eta[n] - risk[n])
""", dict(X=R(6,2),time=torch.rand(6),event=torch.tensor([True,False,True,True,False,True])), dict(w=R(2)))
def _(X,time,event,w):
    eta=X@w; l=0
    for n in range(6):
        if event[n]: l=l-(eta[n]-torch.logsumexp(eta[time>=time[n]],0))
    return dict(l=l)
# relative positions
@case("relpos", """
dim T, E
input q: f32[T, E]
param P: f32[2 * T - 1, E]
s[t, u] = sum[e] q[t, e] * (q[u, e] + P[t - u + T - 1, e])
a[t, u] = softmax[u] s[t, u]
loss l = sum[t, u] a[t, u]^2 * (t + 1)
""", dict(q=R(4,3)), dict(P=R(7,3)), wrt=["P","q"])
def _(q,P):
    idx=torch.arange(4)[:,None]-torch.arange(4)[None]+3
    s=(q[:,None]*(q[None]+P[idx])).sum(-1); a=torch.softmax(s,1)
    return dict(l=((a**2)*(torch.arange(4)[:,None]+1)).sum())
# transposed conv 1d
@case("convT", """
dim B, C, L, O, K = 4
input x: f32[B, C, L]
param w: f32[C, O, K]
y[b, o, u in 0..2 * L + 2] = sum[c, k | (u - k) % 2 == 0] (x[b, c, (u - k) / 2] ?? 0) * w[c, o, k]
loss l = sum[b, o, u] y[b, o, u]^3
output y2 = y
""", dict(x=R(2,3,4)), dict(w=R(3,2,4)), wrt=["w","x"])
def _(x,w):
    y=F.conv_transpose1d(x,w,stride=2); return dict(y2=y,l=(y**3).sum())
# dilated causal conv
@case("dil", """
dim B, C, L
input x: f32[B, C, L]
param w: f32[C, C, 3]
y[b, o, t] = x[b, o, t] + tanh(sum[c, k in 0..3] (x[b, c, t - 2 * k] ?? 0) * w[o, c, k])
z[b, o, t in 0..L] = sum[c, k in 0..3] (y[b, c, t - 4 * k] ?? 0) * w[o, c, k]
loss l = mean[b, o, t] z[b, o, t]^2
""", dict(x=R(2,3,9)), dict(w=R(3,3,3)), wrt=["w","x"])
def _(x,w):
    def cv(x,d): return F.conv1d(F.pad(x,(2*d,0)),w.flip(2),dilation=d)
    y=x+torch.tanh(cv(x,2)); z=cv(y,4); return dict(l=(z**2).mean())
# maxpool 2d ties
@case("pool", """
dim H, W
param x: f32[H, W]
m[i in 0..H / 2, j in 0..W / 2] = max[p in 0..2, q in 0..2] relu(x[2 * i + p, 2 * j + q])
loss l = sum[i, j] m[i, j] * (i + 2 * j + 1)
""", {}, dict(x=torch.tensor([[1.,1.,-1.,-2.],[0.,1.,-3.,-1.],[2.,5.,3.,3.],[5.,1.,3.,3.]])))
def _(x):
    m=F.max_pool2d(torch.relu(x)[None,None],2)[0,0]
    return dict(l=(m*(torch.arange(2)[:,None]+2*torch.arange(2)[None]+1)).sum())
# Viterbi
@case("viterbi", """
dim T, S
input e: f32[T, S]
param A: f32[S, S]
rec t in 1..T {
  v[0, s] = e[0, s]
  v[t, s] = e[t, s] + max[r] (v[t - 1, r] + A[r, s])
}
loss l = max[s] v[T - 1, s]
""", dict(e=R(5,3)), dict(A=R(3,3)), wrt=["A","e"])
def _(e,A):
    v=e[0]
    for t in range(1,5): v=e[t]+(v[:,None]+A).max(0).values
    return dict(l=v.max())
# flow coupling with logdet
@case("flow", """
dim B, D
input x: f32[B, 2 * D]
param W: f32[D, D], V: f32[D, D]
s[b, i] = tanh(sum[j in 0..D] x[b, j] * W[j, i])
t[b, i] = sum[j in 0..D] x[b, j] * V[j, i]
y[b, i] = x[b, D + i] * exp(s[b, i]) + t[b, i]
z[b, i] = concat[i](y[b, i], x[b, i])
loss l = mean[b] (0.5 * sum[i in 0..2 * D] x[b, i] * y[b, i / 2] - sum[i in 0..D] s[b, i])
""", dict(x=R(3,4)), dict(W=R(2,2),V=R(2,2)), wrt=["W","V","x"])
def _(x,W,V):
    a,b=x[:,:2],x[:,2:]; s=torch.tanh(a@W); y=b*torch.exp(s)+a@V
    return dict(l=(.5*(x*y[:,torch.arange(4)//2]).sum(1)-s.sum(1)).mean())
# vq straight-through
@case("vq", """
dim B, D, K
input x: f32[B, D]
param C: f32[K, D], W: f32[D, D]
z[b, d] = sum[j] x[b, j] * W[j, d]
dist[b, k] = sum[d] (z[b, d] - C[k, d])^2
code[b] = argmin[k] dist[b, k]
q[b, d] = C[code[b], d]
st[b, d] = z[b, d] + stop(q[b, d] - z[b, d])
loss l = sum[b, d] st[b, d]^2 + sum[b, d] (stop(z[b, d]) - q[b, d])^2 + 0.25 * sum[b, d] (z[b, d] - stop(q[b, d]))^2
output code2 = code
""", dict(x=R(5,3)), dict(C=R(4,3),W=R(3,3)))
def _(x,C,W):
    z=x@W; d=((z[:,None]-C[None])**2).sum(-1); code=d.argmin(1); q=C[code]; st=z+(q-z).detach()
    return dict(code2=code,l=(st**2).sum()+((z.detach()-q)**2).sum()+.25*((z-q.detach())**2).sum())
# triplet with pairs guard
@case("triplet", """
dim N, D
input x: f32[N, D], y: i32[N]
param W: f32[D, D]
z[n, e] = sum[d] x[n, d] * W[d, e]
d[n, m] = sum[e] (z[n, e] - z[m, e])^2
loss l = sum[a, p, n in 0..N | a != p and y[a] == y[p] and y[a] != y[n]] relu(d[a, p] - d[a, n] + 0.2)
""", dict(x=R(5,3),y=torch.tensor([0,1,0,1,0])), dict(W=R(3,3)))
def _(x,y,W):
    z=x@W; d=((z[:,None]-z[None])**2).sum(-1); l=0
    for a in range(5):
        for p in range(5):
            for n in range(5):
                if a!=p and y[a]==y[p] and y[a]!=y[n]: l=l+torch.relu(d[a,p]-d[a,n]+.2)
    return dict(l=l)
# matrix Kalman / matmul chain with @
@case("mats", """
dim N
param A: f32[N, N], x: f32[N], B: f32[N, 2]
y = A @ x
q = x @ A
s = x @ y
M = A @ A @ B
loss l = s + sum[i] q[i]^3 + sum[i, j] M[i, j]^2 + (q @ M) @ (y @ M)
""", {}, dict(A=R(3,3),x=R(3),B=R(3,2)))
def _(A,x,B):
    y=A@x;q=x@A;M=A@A@B
    return dict(l=x@y+(q**3).sum()+(M**2).sum()+(q@M)@(y@M))
# integer arithmetic, bools
@case("ints", """
dim N
input k: i32[N], f: bool[N]
param x: f32[N]
m[i] = (k[i] * 3 - 7) % 5
d[i] = (k[i] - 4) / 3
b[i] = f[i] and k[i] > 2 or not f[i]
cnt = sum[i] (if b[i] then 1 else 0)
h[i in 0..N] = if any[j] (k[j] == i) then 1.0 else 0.0
al = all[i] (k[i] >= 0)
y[i] = f32(m[i]) * x[i] + f32(d[i]) + (if b[i] then x[i]^2 else 0.0)
output m2 = m
output d2 = d
output h2 = h
output al2 = if al then 1.0 else 0.0
loss l = sum[i] y[i] * f32(k[i]) + f32(i32(3.7)) + f32(i32(-3.7))
""", dict(k=torch.tensor([0,1,4,2,9]),f=torch.tensor([True,False,True,True,False])), dict(x=R(5)))
def _(k,f,x):
    m=(k*3-7)%5; d=torch.div(k-4,3,rounding_mode="floor"); b=(f&(k>2))|~f
    h=torch.tensor([1. if (k==i).any() else 0. for i in range(5)])
    y=m*x+d+torch.where(b,x**2,torch.zeros(5))
    return dict(m2=m,d2=d,h2=h,al2=torch.tensor(1.),l=(y*k).sum()+3.-3.)
# guards: mean, max with nothing
@case("emptyguards", """
dim N, M
input g: bool[N, M]
param x: f32[N, M]
a[i] = mean[j | g[i, j]] x[i, j]
b[i] = logsumexp[j | g[i, j]] x[i, j]
c[i] = max[j | g[i, j]] x[i, j]
p[i] = prod[j | g[i, j]] x[i, j]
s[i, j] = softmax[j | g[i, j]] x[i, j]
ls[i, j] = log_softmax[j | g[i, j]] x[i, j]
cs[i, j] = cumsum[j | g[i, j]] x[i, j]
output a2 = a
output p2 = p
output s2 = s
output cs2 = cs
loss l = sum[i] (a[i]^2 + (if any[j] g[i, j] then b[i] * c[i] else 0) + p[i]) + sum[i, j] s[i, j]^2 + sum[i, j] cs[i, j]^2 + sum[i, j | g[i, j]] ls[i, j]
""", dict(g=torch.tensor([[True,False,True],[False,False,False],[True,True,True]])), dict(x=R(3,3)))
def _(g,x):
    a=[];p=[];s=[];cs=[];l=0
    for i in range(3):
        v=x[i][g[i]]
        a.append(v.mean() if len(v) else torch.tensor(0.)); p.append(v.prod() if len(v) else torch.tensor(1.))
        l=l+a[-1]**2+p[-1]
        if len(v): l=l+torch.logsumexp(v,0)*v.max()+torch.log_softmax(v,0).sum()
        r=torch.zeros(3)
        if len(v): r=r.index_put((torch.nonzero(g[i])[:,0],),torch.softmax(v,0))
        s.append(r); cs.append((x[i]*g[i]).cumsum(0)); l=l+(r**2).sum()+(cs[-1]**2).sum()
    return dict(a2=torch.stack(a),p2=torch.stack(p),s2=torch.stack(s),cs2=torch.stack(cs),l=l)
# gumbel? attention-like over functions with several maps
@case("fnmaps", """
dim B, H, T, E
input x: f32[B, T, E]
param W: f32[H, E, E], a: f32[H]
fn norm<N>(v: f32[N], eps: f32 = 1e-6) -> u: f32[N] { u[i] = v[i] / sqrt(sum[j] v[j]^2 + eps) }
fn twice<N>(f: fn(f32[N]) -> f32[N], v: f32[N]) = f(f(v))
fn mix<T, E>(k: f32[T, E], W: f32[E, E]) -> o: f32[T, E] {
  fn_k[t] = norm(k[t], eps = 0.1)
  s[t, u] = exp(-sum[e] (k[t, e] - k[u, e])^2)
  o[t, e] = sum[u, d] s[t, u] * fn_k[u, d] * W[d, e]
}
fn act(v: f32[E]) -> w: f32[E] { w[i] = tanh(v[i]) + 0.1 * v[i] }
y[b, h] = mix(x[b], W[h])
z[b, h, t] = twice(act, y[b, h, t])
loss l = mean[b, h, t, e] z[b, h, t, e]^2 * a[h]
""", dict(x=R(2,3,4)), dict(W=R(2,4,4),a=R(2)), wrt=["W","a","x"])
def _(x,W,a):
    n=x/torch.sqrt((x**2).sum(-1,keepdim=True)+.1)
    s=torch.exp(-((x[:,:,None]-x[:,None])**2).sum(-1))
    y=torch.einsum("btu,bud,hde->bhte",s,n,W)
    f=lambda v:torch.tanh(v)+.1*v
    z=f(f(y)); return dict(l=((z**2)*a[None,:,None,None]).mean())
# newton by hand: root finding w hessian via nested grad
@case("nested3", """
dim N
param x: f32[N]
e = sum[i] sin(x[i]) * x[i]^2
g = grad(e, x)
s1 = sum[i] g[i]^2
h = grad(s1, x)
s2 = sum[i] h[i] * x[i]
k = grad(s2, x)
loss l = sum[i] k[i]^2
""", {}, dict(x=R(3)))
def _(x):
    x=x.detach().requires_grad_(True) if not x.requires_grad else x
    e=(torch.sin(x)*x**2).sum(); g,=torch.autograd.grad(e,x,create_graph=True)
    h,=torch.autograd.grad((g**2).sum(),x,create_graph=True)
    k,=torch.autograd.grad((h*x).sum(),x,create_graph=True)
    return dict(l=(k**2).sum())
# laplacian via sum of second derivs in a function of a point; softmax policy
@case("pow", """
dim N
param x: f32[N], p: f32[N]
a[i] = x[i]^p[i]
b[i] = p[i]^2 + x[i]^3 + x[i]^0 + x[i]^-1
c[i] = 2^p[i]
loss l = sum[i] (a[i] * (i + 1) + b[i] + c[i])
""", {}, dict(x=torch.tensor([1.5,.5,2.,3.]),p=torch.tensor([2.,0.,-1.5,.3])))
def _(x,p):
    a=x**p; b=p**2+x**3+1+1/x; c=2**p
    return dict(l=(a*(torch.arange(4)+1)).sum()+b.sum()+c.sum())
# rnn with embedding lookups in rec & per-step gather loss
@case("charrnn", """
dim B, T, V, H
input s: i32[B, T + 1] in 0..V
param E: f32[V, H], W: f32[H, H], U: f32[H, V], h0: f32[H]
rec t in 0..T {
  h[0, b in 0..B, j] = h0[j]
  h[t + 1, b, j] = tanh(E[s[b, t], j] + sum[k] h[t, b, k] * W[k, j])
  z[t, b, v] = sum[j] h[t + 1, b, j] * U[j, v]
}
loss l = mean[t, b] (logsumexp[v] z[t, b, v] - z[t, b, s[b, t + 1]])
""", dict(s=torch.randint(0,4,(2,6))), dict(E=R(4,3),W=R(3,3),U=R(3,4),h0=R(3)))
def _(s,E,W,U,h0):
    h=h0.expand(2,3); l=0
    for t in range(5):
        h=torch.tanh(E[s[:,t]]+h@W); l=l+F.cross_entropy(h@U,s[:,t+1])
    return dict(l=l/5)
# size one and zero
@case("size1", """
dim N, M
input x: f32[N, M]
param w: f32[M], W: f32[M, M]
y[n, m] = softmax[m] x[n, m] * W[m, m]
loss l = sum[n, m] y[n, m]^2 + logsumexp[m] w[m] + mean[m] w[m] + prod[m] w[m]
output e = sum[n] x[n, 0]
""".replace("softmax[m] x[n, m] * W[m, m]","softmax[m] (x[n, m] * W[m, m])"), dict(x=torch.zeros(0,1)), dict(w=R(1),W=R(1,1)))
def _(x,w,W):
    return dict(l=torch.logsumexp(w,0)+w.mean()+w.prod()+0*W.sum(),e=torch.tensor(0.))
# higher order through recurrences
@case("grad_of_rec", """
dim S = 5
param a: f32, x0: f32
rec t in 0..S {
  x[0] = x0
  x[t + 1] = a * sin(x[t]) + 0.1 * x[t]^2
}
e = x[S]^2
g = grad(e, a)
gx = grad(e, x0)
loss l = g^2 + gx * g
output g2 = g
""", {}, dict(a=torch.tensor(1.3),x0=torch.tensor(.7)))
def _(a,x0):
    x=x0
    for _ in range(5): x=a*torch.sin(x)+.1*x**2
    e=x**2; g,gx=torch.autograd.grad(e,(a,x0),create_graph=True)
    return dict(g2=g,l=g**2+gx*g)
# student-t, gamma, beta, dirichlet by hand with digamma second order
@case("dists", """
dim N
input x: f32[N]
param la: f32, lb: f32
a = exp(la)
b = exp(lb)
beta_ll[n] = (a - 1) * log(x[n]) + (b - 1) * log1p(-x[n]) - lgamma(a) - lgamma(b) + lgamma(a + b)
gam_ll[n] = a * log(b) + (a - 1) * log(x[n]) - b * x[n] - lgamma(a)
t_ll[n] = lgamma((a + 1) / 2) - lgamma(a / 2) - 0.5 * log(a * pi) - (a + 1) / 2 * log1p(x[n]^2 / a)
tot = sum[n] (beta_ll[n] + gam_ll[n] + t_ll[n])
ga = grad(tot, la)
loss l = -tot + 0.1 * ga^2
""", dict(x=torch.rand(5)*.8+.1), dict(la=torch.tensor(.4),lb=torch.tensor(-.2)))
def _(x,la,lb):
    D=torch.distributions; a=torch.exp(la); b=torch.exp(lb)
    tot=(D.Beta(a,b,validate_args=False).log_prob(x)+D.Gamma(a,b).log_prob(x)+D.StudentT(a).log_prob(x)).sum()
    ga,=torch.autograd.grad(tot,la,create_graph=True)
    return dict(l=-tot+.1*ga**2)
# reductions over several axes of windows with guard and index values
@case("pairs", """
dim N, D
param x: f32[N, D]
v[i, j] = 1 / (0.1 + sum[d] (x[i, d] - x[j, d])^2)
loss l = sum[i, j in 0..N | i < j] v[i, j] * log(1 + f32(j - i)) + max[i, j | i != j] v[i, j]
output far = argmax[i] (sum[d] x[i, d]^2)
""".replace("max[i, j | i != j] v[i, j]","(max[i, j | i != j] v[i, j])").replace("argmax[i] (sum[d] x[i, d]^2)","argmax[i] r[i]").replace("v[i, j] = 1","r[i] = sum[d] x[i, d]^2\nv[i, j] = 1"), {}, dict(x=R(5,2)))
def _(x):
    d=((x[:,None]-x[None])**2).sum(-1); v=1/(.1+d); l=0; best=None
    i=torch.arange(5); W=torch.log(1+(i[None]-i[:,None]).clamp(min=0).double())
    l=(torch.triu(v,1)*W).sum()
    off=torch.where(torch.eye(5).bool(),torch.full((5,5),-1e9),v)
    return dict(far=(x**2).sum(1).argmax(),l=l+off.reshape(-1)[off.argmax()])
# interpolation spline / clamp function grads
@case("clamps", """
dim N
param x: f32[N]
y[i] = clamp(x[i], -1, 1) + min(x[i], 0.5, x[i]^2) + max(x[i], 0, -x[i]) + hypot(x[i], 2) + sign(x[i]) * x[i] + floor(x[i]) * x[i] + x[i] % 0.7 + (if step(0.3, x[i]) then 2 * x[i] else 0) + select(x[i] > 0, x[i], 3 * x[i]) + trunc(x[i]) + ceil(x[i])
loss l = sum[i] y[i] * (i + 1)
""".replace("(if step(0.3, x[i]) then 2 * x[i] else 0)","step(0.3, x[i]) * 2 * x[i]"), {}, dict(x=torch.tensor([.3,-.7,1.2,-1.1,.05,2.6])))
def _(x):
    y=x.clamp(-1,1)+torch.minimum(torch.minimum(x,torch.tensor(.5)),x**2)+torch.maximum(torch.maximum(x,torch.tensor(0.)),-x)+torch.hypot(x,torch.tensor(2.))+torch.sign(x)*x+torch.floor(x).detach()*x+(x-.7*torch.floor(x/.7).detach())+(x>=.3000000119)*2*x+torch.where(x>0,x,3*x)+torch.trunc(x)+torch.ceil(x)
    return dict(l=(y*(torch.arange(6)+1)).sum())
# batchnorm style stats and pairwise tensor-level arithmetic
@case("tensorlevel", """
dim B, D
input x: f32[B, D]
param g: f32[D], c: f32
y = tanh(x) * 2 + c - x / 3
z = -y^2 + exp(-y)
w = g * g + 1
loss l = sum[b, d] z[b, d] * w[d] + c^2
output yy = relu(y)
""", dict(x=R(3,2)), dict(g=R(2),c=torch.tensor(.3)), wrt=["g","c","x"])
def _(x,g,c):
    y=torch.tanh(x)*2+c-x/3; z=-y**2+torch.exp(-y); return dict(yy=torch.relu(y),l=(z*(g*g+1)).sum()+c**2)
# gradient wrt a named intermediate value and through it
@case("gradnamed", """
dim N
param w: f32[N]
input x: f32[N]
h[i] = sin(w[i] * x[i])
k[i] = h[i]^2 + h[i] * w[i]
e = sum[i] k[i]^2
gh = grad(e, h)
gk = grad(e, k)
loss l = sum[i] gh[i] * gk[i] * w[i]
""", dict(x=R(4)), dict(w=R(4)))
def _(x,w):
    h=torch.sin(w*x); k=h**2+h*w; e=(k**2).sum()
    gh,gk=torch.autograd.grad(e,(h,k),create_graph=True)
    return dict(l=(gh*gk*w).sum())
# downward rec, discounted returns (RL), GAE
@case("gae", """
dim T
input r: f32[T], done: bool[T]
param v: f32[T + 1], gam: f32, lam: f32
rec t in T..0 {
  adv[T] = 0
  adv[t] = r[t] + gam * (if done[t] then 0 else v[t + 1]) - v[t] + (if done[t] then 0 else gam * lam * adv[t + 1])
}
loss l = mean[t in 0..T] adv[t]^2
output a2[t in 0..T] = adv[t]
""", dict(r=R(6),done=torch.tensor([False,False,True,False,False,False])), dict(v=R(7),gam=torch.tensor(.9),lam=torch.tensor(.8)))
def _(r,done,v,gam,lam):
    a=torch.tensor(0.); out=[]
    for t in reversed(range(6)):
        nd=0. if done[t] else 1.
        a=r[t]+gam*nd*v[t+1]-v[t]+nd*gam*lam*a; out.append(a)
    a2=torch.stack(out[::-1]); return dict(a2=a2,l=(a2**2).mean())
# several coupled recs, fibonacci lag 3 with tensors and downward lag 2
@case("lag3", """
dim T, D
input e: f32[T, D]
param a: f32[D], b: f32[D], M: f32[D, D]
rec t in 3..T {
  x[0, d] = a[d]
  x[1, d] = b[d]
  x[2, d] = a[d] * b[d]
  x[t, d] = tanh(sum[k] M[d, k] * x[t - 3, k]) + x[t - 1, d] * 0.5 + e[t, d] * y[t - 1, d]
  y[0, d] = 1
  y[1, d] = a[d]
  y[2, d] = b[d]
  y[t, d] = y[t - 2, d] * x[t, d]
}
loss l = sum[t, d] x[t, d]^2 + sum[d] y[T - 1, d]
""", dict(e=R(7,2)), dict(a=R(2),b=R(2),M=R(2,2)), wrt=["a","b","M","e"])
def _(e,a,b,M):
    x=[a,b,a*b]; y=[torch.ones(2),a,b]
    for t in range(3,7):
        x.append(torch.tanh(M@x[t-3])+x[t-1]*.5+e[t]*y[t-1]); y.append(y[t-2]*x[t])
    x=torch.stack(x); return dict(l=(x**2).sum()+y[6].sum())
# wave equation with 2D stencil lag 2, reflecting clamp
@case("wave", """
dim N, S = 6
param u0: f32[N], c: f32
rec t in 1..S {
  u[0, i] = u0[i]
  u[1, i] = u0[i]
  u[t + 1, i] = 2 * u[t, i] - u[t - 1, i] + c * (u[t, clamp(i + 1, 0, N - 1)] - 2 * u[t, i] + u[t, clamp(i - 1, 0, N - 1)])
}
loss l = sum[i in 0..N] u[S, i]^2
""", {}, dict(u0=R(7),c=torch.tensor(.2)))
def _(u0,c):
    p=u0;u=u0
    for _ in range(1,6):
        r=torch.cat([u[1:],u[-1:]]); q=torch.cat([u[:1],u[:-1]])
        p,u=u,2*u-p+c*(r-2*u+q)
    return dict(l=(u**2).sum())
# mixture density, gumbel-like logs
@case("logs", """
dim N, K
input x: f32[N]
param mu: f32[K], ls: f32[K], pi_logit: f32[K]
lp[k] = log_softmax[k] pi_logit[k]
ll[n] = logsumexp[k] (lp[k] - 0.5 * ((x[n] - mu[k]) / exp(ls[k]))^2 - ls[k] - 0.5 * log(2 * pi))
resp[n, k] = softmax[k] (lp[k] - 0.5 * ((x[n] - mu[k]) / exp(ls[k]))^2 - ls[k])
ent = -sum[n, k] (if resp[n, k] > 0 then resp[n, k] * log(resp[n, k]) else 0)
loss l = -mean[n] ll[n] + 0.01 * ent
""", dict(x=R(6)*2), dict(mu=R(3),ls=R(3)*.2,pi_logit=R(3)))
def _(x,mu,ls,pi_logit):
    lp=torch.log_softmax(pi_logit,0); q=lp-.5*((x[:,None]-mu)/torch.exp(ls))**2-ls
    ll=torch.logsumexp(q-.5*math.log(2*math.pi),1); r=torch.softmax(q,1)
    return dict(l=-ll.mean()+.01*-(r*torch.log(r)).sum())
# scatter by repeated gather 2D, histogram
@case("segments", """
dim N, G, D
input seg: i32[N] in 0..G
param x: f32[N, D], w: f32[G]
tot[g in 0..G, d] = sum[n | seg[n] == g] x[n, d]
cnt[g in 0..G] = sum[n] (if seg[n] == g then 1.0 else 0.0)
mean_[g, d] = if cnt[g] > 0 then tot[g, d] / cnt[g] else 0
back[n, d] = x[n, d] - mean_[seg[n], d]
mx[g in 0..G] = max[n | seg[n] == g] x[n, 0]
loss l = sum[n, d] back[n, d]^2 * w[seg[n]] + sum[g | cnt[g] > 0] mx[g]
""", dict(seg=torch.tensor([0,2,2,0,3,2])), dict(x=R(6,2),w=R(5)))
def _(seg,x,w):
    l=0; m=torch.zeros(5,2); rows=[]
    for g in range(5):
        k=seg==g
        if k.any(): l=l+x[k,0].max(); rows.append(x[k].mean(0))
        else: rows.append(torch.zeros(2))
    m=torch.stack(rows); b=x-m[seg]
    return dict(l=l+((b**2)*w[seg][:,None]).sum())

torch.manual_seed(2)
AF=torch.autograd.functional
@case("perex_ops", """
dim B, D, E
input x: f32[B, D], v: f32[B, D], u: f32[B, E]
param W: f32[E, D]
fn f<D>(z: f32[D]) -> y: f32[E] { y[e] = tanh(sum[d] W[e, d] * z[d]) * z[0] }
fn s<D>(z: f32[D]) -> y: f32 { y = sum[e] f(z)[e]^2 * e }
tang[b] = jvp(f(x[b]), x[b], v[b])
cot[b] = vjp(f(x[b]), x[b], u[b])
hv[b] = hvp(s(x[b]), x[b], v[b])
J[b] = jacobian(f(x[b]), x[b])
output tang2 = tang
output cot2 = cot
output hv2 = hv
output J2 = J
loss l = sum[b, e] tang[b, e]^2 + sum[b, d] cot[b, d]^3 + sum[b, d] hv[b, d] * v[b, d] + sum[b, e, d] J[b, e, d]^2
""", dict(x=R(3,2),v=R(3,2),u=R(3,4)), dict(W=R(4,2)))
def _(x,v,u,W):
    f=lambda z: torch.tanh(W@z)*z[0]
    s=lambda z: (f(z)**2*torch.arange(4)).sum()
    tang=torch.stack([AF.jvp(f,x[b],v[b],create_graph=True)[1] for b in range(3)])
    cot=torch.stack([AF.vjp(f,x[b],u[b],create_graph=True)[1] for b in range(3)])
    hv=torch.stack([AF.hvp(s,x[b],v[b],create_graph=True)[1] for b in range(3)])
    J=torch.stack([AF.jacobian(f,x[b],create_graph=True) for b in range(3)])
    return dict(tang2=tang,cot2=cot,hv2=hv,J2=J,l=(tang**2).sum()+(cot**3).sum()+(hv*v).sum()+(J**2).sum())
# not aligned: e[b] depends on all x
@case("cross", """
dim N
param x: f32[N], w: f32[N, N]
e[i] = sum[j] w[i, j] * sin(x[i] * x[j])
g[i] = grad(e[i], x[i])
G[i] = grad(e[i], x)
h[i] = grad(e[i], x[0])
output g2 = g
output G2 = G
output h2 = h
loss l = sum[i] g[i]^2 + sum[i, j] G[i, j]^3 + sum[i] h[i] * i
""", {}, dict(x=R(3),w=R(3,3)))
def _(x,w):
    e=lambda x:(w*torch.sin(x[:,None]*x[None])).sum(1)
    G=AF.jacobian(e,x,create_graph=True)
    g=torch.diagonal(G)
    return dict(g2=g,G2=G,h2=G[:,0],l=(g**2).sum()+(G**3).sum()+(G[:,0]*torch.arange(3)).sum())
# laplacian of a network per point, PINN with per-example grads nested
@case("laplace", """
dim B, D, H
input x: f32[B, D]
param W: f32[H, D], a: f32[H]
fn u(z: f32[D]) -> y: f32 { y = sum[h] a[h] * tanh(sum[d] W[h, d] * z[d]) }
fn lap(z: f32[D]) -> y: f32 { g = grad(u(z), z)
  Hs = jacobian(g, z)
  y = sum[d] Hs[d, d] }
r[b] = lap(x[b]) - u(x[b])^2
output r2 = r
loss l = mean[b] r[b]^2
""", dict(x=R(4,2)), dict(W=R(3,2),a=R(3)))
def _(x,W,a):
    t=torch.tanh(x@W.T); u=t@a
    lap=((-2*t*(1-t**2))*a*(W**2).sum(1)).sum(1)
    r=lap-u**2
    return dict(r2=r,l=(r**2).mean())
# grad entries at fixed place, grad for scalar entry
@case("fixed", """
dim N
param W: f32[3, N], x: f32[N]
e = sum[k, n] sin(W[k, n] * x[n])
g = grad(e, W[1])
gg = grad(e, x[2])
loss l = sum[n] g[n]^2 + gg^2
""", {}, dict(W=R(3,4),x=R(4)))
def _(W,x):
    e=torch.sin(W*x).sum(); g,gx=torch.autograd.grad(e,(W,x),create_graph=True)
    return dict(l=(g[1]**2).sum()+gx[2]**2)
# langevin in rec with batch and functions; grad in rec wrt z[t] batched
@case("langevin", """
dim B, D, S = 4
input z0: f32[B, D]
param A: f32[D, D], eps: f32
fn U(q: f32[D]) -> e: f32 { e = log(1 + (sum[i, j] q[i] * A[i, j] * q[j])^2) }
rec t in 0..S {
  z[0, b] = z0[b]
  z[t + 1, b, i] = z[t, b, i] - eps * grad(U(z[t, b]), z[t, b])[i]
}
output zT[b in 0..B, i in 0..D] = z[S, b, i]
loss l = mean[b, i] zT[b, i]^2
""", dict(z0=R(3,2)), dict(A=R(2,2),eps=torch.tensor(.1)), wrt=["A","eps","z0"])
def _(z0,A,eps):
    z=z0
    for _ in range(4):
        q=torch.einsum("bi,ij,bj->b",z,A,z)
        dq=z@(A+A.T)
        z=z-eps*(2*q/(1+q**2))[:,None]*dq
    return dict(zT=z,l=(z**2).mean())
# jvp in rec: tangent dynamics
@case("tangentrec", """
dim D, S = 3
input z0: f32[D], v0: f32[D]
param W: f32[D, D]
fn F(z: f32[D]) -> y: f32[D] { y[i] = tanh(sum[j] W[i, j] * z[j]) }
rec t in 0..S {
  z[0] = z0
  v[0] = v0
  z[t + 1] = F(z[t])
  v[t + 1] = jvp(F(z[t]), z[t], v[t])
  c[0] = v0
  c[t + 1] = vjp(F(z[t]), z[t], c[t])
}
loss l = sum[i in 0..D] (v[S, i]^2 + c[S, i] * z[S, i])
""", dict(z0=R(3),v0=R(3)), dict(W=R(3,3)), wrt=["W","z0","v0"])
def _(z0,v0,W):
    z,v,c=z0,v0,v0
    for _ in range(3):
        y=torch.tanh(W@z); d=1-y**2
        v=d*(W@v); c=W.T@(d*c); z=y
    return dict(l=(v**2+c*z).sum())
# newton method in rec with hessian scalar
@case("newtonrec", """
dim S = 4
param a: f32, x0: f32
fn f(x: f32) -> y: f32 { y = x^4 / 4 - a * x + 0.1 * x^2 }
rec t in 0..S {
  x[0] = x0
  g[t] = grad(f(x[t]), x[t])
  h[t] = grad(g[t], x[t])
  x[t + 1] = x[t] - g[t] / h[t]
}
loss l = x[S]^2
""", {}, dict(a=torch.tensor(1.3),x0=torch.tensor(2.)))
def _(a,x0):
    x=x0
    for _ in range(4): x=x-(x**3-a+.2*x)/(3*x**2+.2)
    return dict(l=x**2)
# MAML loop in rec: inner params carried
@case("mamlrec", """
dim N, D, S = 3
input xs: f32[N, D], ys: f32[N], xq: f32[N, D], yq: f32[N]
param w0: f32[D], lr: f32
rec s in 0..S {
  w[0] = w0
  e[s] = mean[n] (sum[d] xs[n, d] * w[s, d] - ys[n])^2
  w[s + 1, d] = w[s, d] - lr * grad(e[s], w[s])[d]
}
loss l = mean[n] (sum[d] xq[n, d] * w[S, d] - yq[n])^2
""", dict(xs=R(5,3),ys=R(5),xq=R(5,3),yq=R(5)), dict(w0=R(3),lr=torch.tensor(.1)))
def _(xs,ys,xq,yq,w0,lr):
    w=w0
    for _ in range(3): w=w-lr*(2*(xs@w-ys)@xs/5)
    return dict(l=((xq@w-yq)**2).mean())
# grad norm per example wrt params (differentially private style) : grad under indices wrt a param
@case("dp", """
dim B, D
input x: f32[B, D], y: f32[B]
param w: f32[D]
e[b] = (tanh(sum[d] x[b, d] * w[d]) - y[b])^2
g[b] = grad(e[b], w)
n[b] = sqrt(sum[d] g[b, d]^2)
c[d] = mean[b] g[b, d] * min(1, 0.5 / n[b])
output c2 = c
loss l = sum[d] c[d]^2
""", dict(x=R(4,3),y=R(4)), dict(w=R(3)))
def _(x,y,w):
    t=torch.tanh(x@w); g=(2*(t-y)*(1-t**2))[:,None]*x
    n=torch.sqrt((g**2).sum(1)); c=(g*torch.minimum(torch.tensor(1.),.5/n)[:,None]).mean(0)
    return dict(c2=c,l=(c**2).sum())

torch.manual_seed(4)
class Sq(torch.autograd.Function):  # y = x . A x ; written adjoint du = 3 * dy * (A x)  (deliberately not the true one)
    @staticmethod
    def forward(ctx,x,s): ctx.save_for_backward(x,s); return s*(x**2).sum(-1)
    @staticmethod
    def backward(ctx,dy): x,s=ctx.saved_tensors; return 3*dy.unsqueeze(-1)*x*s, torch.sin(dy)
# vector argument, scalar argument, batched, second order through the written adjoint, nonlinear in dy
@case("custom_vec", """
dim B, D
input x: f32[B, D]
param W: f32[D, D], s: f32
fn q(v: f32[D], s: f32) -> y: f32 { y = s * sum[d] v[d]^2 } adjoint(dy) -> (dv, ds) {
  dv[d] = 3 * dy * v[d] * s
  ds = sin(dy)
}
z[b, e] = sum[d] x[b, d] * W[d, e]
y[b] = q(z[b], s)
e = sum[b] y[b] * (b + 1)
g = grad(e, W)
output g2 = g
loss l = e + sum[d, f] g[d, f]^2 * W[d, f]
""", dict(x=R(4,3)), dict(W=R(3,3),s=torch.tensor(.7)))
def _(x,W,s):
    z=x@W; sb=s.expand(4)
    y=torch.stack([Sq.apply(z[b],sb[b]) for b in range(4)])
    e=(y*torch.arange(1,5)).sum(); g,=torch.autograd.grad(e,W,create_graph=True)
    return dict(g2=g,l=e+(g**2*W).sum())
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx,x): return x*1
    @staticmethod
    def backward(ctx,dy): return dy.clamp(-.1,.1)
@case("custom_rec", """
dim S = 4
param a: f32, x0: f32
fn clip(u: f32) -> y: f32 { y = u } adjoint(dy) -> (du) { du = clamp(dy, -0.1, 0.1) }
rec t in 0..S {
  x[0] = x0
  x[t + 1] = clip(a * x[t] + sin(x[t]))
}
loss l = x[S]^2 + 0.01 * x[2]
""", {}, dict(a=torch.tensor(1.3),x0=torch.tensor(.7)))
def _(a,x0):
    x=[x0]
    for _ in range(4): x.append(Clip.apply(a*x[-1]+torch.sin(x[-1])))
    return dict(l=x[4]**2+.01*x[2])
class LSE(torch.autograd.Function):
    @staticmethod
    def forward(ctx,x): y=torch.logsumexp(x,-1); ctx.save_for_backward(x,y); return y
    @staticmethod
    def backward(ctx,dy):
        x,y=ctx.saved_tensors
        yy=LSE.apply(x)
        return dy.unsqueeze(-1)*torch.exp(x-yy.unsqueeze(-1))
# adjoint that uses the result and a local; hvp, jacobian, vjp through it
@case("custom_res", """
dim N, M
param x: f32[N], A: f32[M, N]
input v: f32[N], c: f32[M]
fn lse<N>(u: f32[N]) -> y: f32 { m = max[i] u[i]; y = m + log(sum[i] exp(u[i] - m)) } adjoint(dy) -> (du) { du[i] = dy * exp(u[i] - y) }
f[k] = lse(A[k] * x)
e = sum[k] f[k]^2
hv = hvp(e, x, v)
J = jacobian(f, x)
cot = vjp(f, x, c)
output hv2 = hv
output J2 = J
output cot2 = cot
loss l = e + sum[n] hv[n] * v[n] + sum[k, n] J[k, n]^2 + sum[n] cot[n]^2
""", dict(v=R(3),c=R(2)), dict(x=R(3),A=R(2,3)))
def _(x,A,v,c):
    F_=lambda x: torch.logsumexp(A*x,1)
    J=torch.autograd.functional.jacobian(F_,x,create_graph=True)
    e=lambda x:(F_(x)**2).sum()
    hv=torch.autograd.functional.hvp(e,x,v,create_graph=True)[1]
    cot=c@J
    return dict(hv2=hv,J2=J,cot2=cot,l=e(x)+(hv*v).sum()+(J**2).sum()+(cot**2).sum())

torch.manual_seed(5)
# function with a recurrence, mapped over the batch
@case("rec_mapped", """
dim B, T, D
input x: f32[B, T, D]
param W: f32[D, D], U: f32[D, D], h0: f32[D]
fn rnn<T, D>(x: f32[T, D]) -> y: f32[D] {
  rec t in 0..T {
    h[0] = h0
    h[t + 1, j] = tanh(sum[d] x[t, d] * W[d, j] + sum[d] h[t, d] * U[d, j])
  }
  y[j] = h[T, j]
}
y[b] = rnn(x[b])
loss l = mean[b, j] y[b, j]^2
""", dict(x=R(3,4,2)), dict(W=R(2,2),U=R(2,2),h0=R(2)), wrt=["W","U","h0","x"])
def _(x,W,U,h0):
    h=h0.expand(3,2)
    for t in range(4): h=torch.tanh(x[:,t]@W+h@U)
    return dict(l=(h**2).mean())
# inner solver in an outer training recurrence (bilevel)
@case("bilevel", """
dim N, S = 3, K = 4
input a: f32[N]
param w0: f32[N], lr: f32
fn solve(w: f32[N]) -> y: f32[N] {
  rec k in 0..K {
    z[0] = w
    z[k + 1, i] = 0.5 * (z[k, i] + cos(z[k, i] * a[i])) 
  }
  y[i] = z[K, i]
}
rec s in 0..S {
  w[0] = w0
  v[s] = solve(w[s])
  w[s + 1, i] = w[s, i] - lr * v[s, i] * sum[j] v[s, j]
}
loss l = sum[i] w[S, i]^2
""", dict(a=R(3)), dict(w0=R(3),lr=torch.tensor(.2)))
def _(a,w0,lr):
    w=w0
    for s in range(3):
        z=w
        for k in range(4): z=.5*(z+torch.cos(z*a))
        w=w-lr*z*z.sum()
    return dict(l=(w**2).sum())
# two-dimensional recurrence (soft edit distance): shifts in both levels, bases at both
@case("dp2d", """
dim N, M
param C: f32[N, M], g: f32
rec i in 0..N {
  D[0, j in 0..M + 1] = g * f32(j)
  D[i + 1, 0] = g * f32(i + 1)
  rec j in 0..M {
    D[i + 1, j + 1] = -logsumexp[k in 0..3] (if k == 0 then -(D[i, j] + C[i, j]) else if k == 1 then -(D[i, j + 1] + g) else -(D[i + 1, j] + g))
  }
}
output table = D
loss l = D[N, M]
""", {}, dict(C=R(3,4)**2,g=torch.tensor(.7)))
def _(C,g):
    N,M=3,4
    D=[[None]*(M+1) for _ in range(N+1)]
    for j in range(M+1): D[0][j]=g*j
    for i in range(N):
        D[i+1][0]=g*(i+1)
        for j in range(M):
            D[i+1][j+1]=-torch.logsumexp(torch.stack([-(D[i][j]+C[i,j]),-(D[i][j+1]+g),-(D[i+1][j]+g)]),0)
    return dict(table=torch.stack([torch.stack(r) for r in D]),l=D[N][M])
# several results in a rec; while with a tensor state and lag 2
@case("rec_several", """
dim N, T = 6
param x0: f32[N], a: f32
fn stats<N>(v: f32[N]) -> (m: f32, s: f32) { m = mean[i] v[i]; s = sqrt(mean[i] (v[i] - m)^2 + 0.01) }
rec t in 0..T {
  x[0] = x0
  mu[t], sd[t] = stats(x[t])
  x[t + 1, i] = (x[t, i] - a * mu[t]) / sd[t]
}
loss l = sum[i] x[T, i]^3 + sum[t] sd[t]
""", {}, dict(x0=R(4),a=torch.tensor(.5)))
def _(x0,a):
    x=x0; S=0
    for t in range(6):
        m=x.mean(); s=torch.sqrt(((x-m)**2).mean()+.01); S=S+s; x=(x-a*m)/s
    return dict(l=(x**3).sum()+S)
@case("rec_while", """
dim N, T = 20
param x0: f32[N], a: f32
rec t in 1..T while sum[i] x[t, i]^2 > 1 {
  x[0] = x0
  x[1] = 0.9 * x0
  x[t + 1, i] = a * x[t, i] + 0.2 * x[t - 1, i] * sin(x[t, i])
  e[t] = sum[i] x[t + 1, i]
}
output last[i] = x[T, i]
output es = e
loss l = sum[i] x[T, i]^3 + e[T - 1]
""", {}, dict(x0=torch.tensor([1.5,-2.,1.]),a=torch.tensor(.8)))
def _(x0,a):
    T=20; xs=[x0,.9*x0]; e=[torch.tensor(0.)]
    alive=True
    for t in range(1,T):
        if alive and (xs[t]**2).sum()>1:
            xs.append(a*xs[t]+.2*xs[t-1]*torch.sin(xs[t])); e.append(xs[-1].sum())
        else:
            alive=False; xs.append(xs[-1]); e.append(e[-1])
    return dict(last=xs[T],es=torch.stack(e),l=(xs[T]**3).sum()+e[-1])
# nested downward, softmax in the inner step, second order
@case("rec_nested_down", """
dim N, M, D
param A: f32[N, M, D], c: f32
rec i in 0..N {
  s[0, d in 0..D] = c
  rec j in M..0 {
    q[i, M, d in 0..D] = s[i, d]
    p[i, j, d] = softmax[d] (q[i, j + 1, d] * A[i, j, d])
    q[i, j, d] = q[i, j + 1, d] * c + p[i, j, d]
  }
  s[i + 1, d] = q[i, 0, d]
}
e = sum[d] s[N, d]^2
g = grad(e, c)
loss l = e + g^2
""", {}, dict(A=R(2,3,2),c=torch.tensor(.8)))
def _(A,c):
    s=c.expand(2)
    for i in range(2):
        q=s
        for j in reversed(range(3)):
            p=torch.softmax(q*A[i,j],0); q=q*c+p
        s=q
    e=(s**2).sum(); g,=torch.autograd.grad(e,c,create_graph=True)
    return dict(l=e+g**2)
# ODE solver per batch entry with own parameter, gradients to all
@case("ode_batch", """
import { rk4 } from "std/ode"
dim B, S = 5
input z0: f32[B, 2]
param th: f32[B, 2]
fn traj(z0: f32[2], th: f32[2]) -> y: f32[2] {
  rec t in 0..S {
    z[0] = z0
    z[t + 1] = rk4(field, z[t], 0.1)
  }
  fn_end[i in 0..2] = z[S, i]
  y = fn_end
}
fn field(z: f32[2]) -> dz: f32[2] { dz = [z[1], -z[0]] }
y[b] = traj(z0[b], th[b])
loss l = sum[b, i] y[b, i]^2 * th[b, i]
""", dict(z0=R(3,2)), dict(th=R(3,2)), wrt=["th","z0"])
def _(z0,th):
    z=z0; f=lambda z: torch.stack([z[:,1],-z[:,0]],1); h=.1
    for _ in range(5):
        k1=f(z);k2=f(z+h/2*k1);k3=f(z+h/2*k2);k4=f(z+h*k3); z=z+h/6*(k1+2*k2+2*k3+k4)
    return dict(l=(z**2*th).sum())
# per-batch while (newton for each entry)
@case("newton_batch", """
dim B
param a: f32[B]
fn root(a: f32) -> y: f32 {
  rec t in 0..30 while abs(x[t]^2 - a) > 1e-10 {
    x[0] = 1
    x[t + 1] = 0.5 * (x[t] + a / x[t])
  }
  y = x[30]
}
r[b] = root(a[b])
loss l = sum[b] r[b] * (b + 1)
""", {}, dict(a=torch.tensor([2.,3.,.5,9.])))
def _(a):
    r=[]
    for b in range(4):
        x=torch.tensor(1.)
        for t in range(30):
            if not abs(x**2-a[b])>1e-10: break
            x=.5*(x+a[b]/x)
        r.append(x)
    return dict(l=(torch.stack(r)*torch.arange(1,5)).sum())

torch.manual_seed(6)
# The library in the language itself
B,C=3,4
@case("std_losses", """
import { squared_error, mse, huber, cross_entropy, soft_cross_entropy, nll, binary_cross_entropy, binary_cross_entropy_with_logits, kl, kl_standard_normal, hinge, focal, contrastive, info_nce } from "std/losses"
dim B, C
input z: f32[B, C], t: f32[B, C], label: i32[B] in 0..C
p[b, c] = softmax[c] z[b, c]
q[b, c] = softmax[c] t[b, c]
k[b, c] = if t[b, c] > 0 then 1.0 else 0.0
output e1 = mean[b, c] squared_error(z[b, c], t[b, c])
output e2 = mean[b] mse(z[b], t[b])
output e3 = mean[b, c] huber(z[b, c], t[b, c], 0.7)
output e4 = mean[b] cross_entropy(z[b], label[b])
output e5 = mean[b] soft_cross_entropy(z[b], q[b])
lp[b, c] = log_softmax[c] z[b, c]
output e6 = mean[b] nll(lp[b], label[b])
output e7 = mean[b, c] binary_cross_entropy(p[b, c], k[b, c])
output e8 = mean[b, c] binary_cross_entropy_with_logits(z[b, c], k[b, c])
output e9 = mean[b] kl(q[b], p[b])
output e10 = mean[b, c] kl_standard_normal(z[b, c], t[b, c])
output e11 = mean[b, c] hinge(z[b, c], 2 * k[b, c] - 1)
output e12 = mean[b, c] focal(z[b, c], k[b, c])
output e13 = mean[b, c] contrastive(abs(z[b, c]), k[b, c])
output e14 = info_nce(z, t, 0.5)
loss l = e1 + e2 + e3 + e4 + e5 + e6 + e7 + e8 + e9 + e10 + e11 + e12 + e13 + e14
""", dict(z=R(B,C), t=R(B,C), label=torch.tensor([1,0,3])), wrt=["z","t"])
def _(z,t,label):
    p=z.softmax(1); q=t.softmax(1); k=(t>0).double()
    S=z@t.T/0.5
    ce=F.binary_cross_entropy_with_logits(z,k,reduction="none"); pt=torch.exp(-ce)
    e=dict(e1=F.mse_loss(z,t), e2=F.mse_loss(z,t), e3=F.huber_loss(z,t,delta=0.7), e4=F.cross_entropy(z,label),
        e5=F.cross_entropy(z,q), e6=F.nll_loss(z.log_softmax(1),label), e7=F.binary_cross_entropy(p,k),
        e8=ce.mean(), e9=F.kl_div(p.log(),q,reduction="batchmean"),
        e10=(0.5*(z**2+t.exp()-1-t)).mean(), e11=F.relu(1-(2*k-1)*z).mean(),
        e12=((0.25*k+0.75*(1-k))*(1-pt)**2*ce).mean(),
        e13=(0.5*(k*z**2+(1-k)*F.relu(1-z.abs())**2)).mean(), e14=F.cross_entropy(S,torch.arange(B)))
    return dict(e, l=sum(e.values()))

N=4
@case("std_distributions", """
import { normal_log_density, student_t_log_density, gamma_log_density, beta_log_density, poisson_log_density, negative_binomial_log_density, categorical_log_density, dirichlet_log_density, multivariate_normal_log_density } from "std/distributions"
dim N
input x: f32[N], y: f32[N], A: f32[N, N], k: i32 in 0..N
s[n] = sigmoid(x[n])
p[n] = softmax[n] x[n]
r[n] = exp(y[n])
cnt[n] = round(2 * r[n])
S[i, j] = sum[m] A[i, m] * A[j, m] + (if i == j then 1.0 else 0.0)
output d1 = sum[n] normal_log_density(x[n], y[n], r[n])
output d2 = sum[n] student_t_log_density(x[n], r[n] + 1, y[n], r[n])
output d3 = sum[n] gamma_log_density(r[n], s[n], p[n])
output d4 = sum[n] beta_log_density(s[n], r[n], p[n])
output d5 = sum[n] poisson_log_density(cnt[n], r[n])
output d6 = sum[n] negative_binomial_log_density(cnt[n], r[n], x[n])
output d7 = categorical_log_density(k, x)
output d8 = dirichlet_log_density(p, r)
output d9 = multivariate_normal_log_density(x, y, S)
loss l = d1 + d2 + d3 + d4 + d5 + d6 + d7 + d8 + d9
""", dict(x=R(N), y=R(N), A=R(N,N), k=torch.tensor(2)), wrt=["x","y","A"])
def _(x,y,A,k):
    from torch import distributions as D
    s=x.sigmoid(); p=x.softmax(0); r=y.exp(); cnt=torch.round(2*r).detach(); S=A@A.T+torch.eye(N)
    o=dict(d1=D.Normal(y,r).log_prob(x).sum(), d2=D.StudentT(r+1,y,r).log_prob(x).sum(), d3=D.Gamma(s,p).log_prob(r).sum(),
        d4=D.Beta(r,p).log_prob(s).sum(), d5=D.Poisson(r).log_prob(cnt).sum(),
        d6=D.NegativeBinomial(r,logits=x).log_prob(cnt).sum(), d7=D.Categorical(logits=x).log_prob(k),
        d8=D.Dirichlet(r,validate_args=False).log_prob(p), d9=D.MultivariateNormal(y,S).log_prob(x))
    return dict(o, l=sum(o.values()))

@case("std_linalg1", """
import { trace, outer, dot, norm, frobenius_norm, inverse, solve } from "std/linalg"
dim N
input x: f32[N], y: f32[N], A: f32[N, N]
S[i, j] = sum[m] A[i, m] * A[j, m] + (if i == j then 1.0 else 0.0)
output l1 = trace(A)
output l2 = outer(x, y)
output l3 = dot(x, y)
output l4 = norm(x)
output l5 = frobenius_norm(A)
output l6 = inverse(S)
output l7 = solve(S, x)
loss l = l1 + (sum[i, j] l2[i, j]^2) + l3 + l4 + l5 + (sum[i, j] l6[i, j]^2) + (sum[i] l7[i]^2)
""", dict(x=R(N), y=R(N), A=R(N,N)), wrt=["x","y","A"])
def _(x,y,A):
    S=A@A.T+torch.eye(N)
    o=dict(l1=A.trace(), l2=torch.outer(x,y), l3=x@y, l4=x.norm(), l5=A.norm(), l6=torch.inverse(S), l7=torch.linalg.solve(S,x))
    return dict(o, l=sum((v**(2 if n in ("l2","l6","l7") else 1)).sum() for n,v in o.items()))

@case("std_linalg2", """
import { det, cholesky, solve_lower, log_det } from "std/linalg"
dim N
input x: f32[N], A: f32[N, N]
S[i, j] = sum[m] A[i, m] * A[j, m] + (if i == j then 1.0 else 0.0)
output l8 = det(S)
output l9 = cholesky(S)
output l10 = solve_lower(l9, x)
output l11 = log_det(S)
loss l = l8 + (sum[i, j] l9[i, j]^3) + (sum[i] l10[i]^2) + l11
""", dict(x=R(N), A=R(N,N)), wrt=["x","A"])
def _(x,A):
    S=A@A.T+torch.eye(N); L=torch.linalg.cholesky(S)
    o=dict(l8=torch.linalg.det(S), l9=L, l10=torch.linalg.solve(L,x), l11=torch.logdet(S))
    return dict(o, l=sum((v**dict(l9=3,l10=2).get(n,1)).sum() for n,v in o.items()))

B,Tn,Dm=3,4,3
nn_params={"a.W":R(3,3)*.5,"a.b":R(3)*.3,"c1.W":R(3,3,2)*.5,"c1.b":R(2)*.3,"c2.W":R(3,3,2,2)*.5,"c2.b":R(2)*.3,
    "ln.gain":1+R(3)*.2,"ln.bias":R(3)*.3,"rn.gain":1+R(3)*.2,"bn.gain":1+R(3)*.2,"bn.bias":R(3)*.3,
    "mh.Wq":R(2,3,3)*.7,"mh.Wk":R(2,3,3)*.7,"mh.Wv":R(2,3,3)*.7,"mh.Wo":R(2,3,3)*.7,"em.E":R(7,2),
    "g.W":R(3,3,3)*.6,"g.U":R(3,3,3)*.6,"g.b":R(3,3)*.3,"g.c":R(3,3)*.3,"s.W":R(4,3,3)*.6,"s.U":R(4,3,3)*.6,"s.b":R(4,3)*.3}
@case("std_nn", """
import { dense, conv1d, conv2d, layer_norm, rms_norm, batch_norm, multi_head_attention, embedding, gru, lstm } from "std/nn"
dim B, T, D
input x: f32[B, T, D], im: f32[B, 4, 5, 2], token: i32[B, T] in 0..7
f[b, d] = x[b, 0, d]
a = dense<O = 3>(f)
c1 = conv1d<O = 2, K = 3>(x)
c2 = conv2d<O = 2, K = 3>(im)
ln = layer_norm(f)
rn = rms_norm(f)
bn = batch_norm(f)
mh = multi_head_attention<H = 2, E = 3>(x, causal = true)
em = embedding<V = 7, D = 2>(token)
g = gru<H = 3>(x)
s = lstm<H = 3>(x)
output a, c1, c2, ln, rn, bn, mh, em, g, s
loss l = mean[b, j] a[b, j]^2 + mean[b, t, j] c1[b, t, j]^2 + mean[b, r, q, j] c2[b, r, q, j]^2 + mean[b, j] ln[b, j]^3 + mean[b, j] rn[b, j]^3 + mean[b, j] bn[b, j]^3 + mean[b, t, j] mh[b, t, j]^2 + mean[b, t, j] em[b, t, j]^2 + mean[b, t, j] g[b, t, j]^2 + mean[b, t, j] s[b, t, j]^2
""", dict(x=R(B,Tn,Dm), im=R(B,4,5,2), token=torch.randint(0,7,(B,Tn))), nn_params, wrt=["x","im",*nn_params])
def _(x,im,token,**P):
    f=x[:,0]
    c=lambda n:P["c%d.W"%n]
    c1=F.conv1d(x.transpose(1,2),c(1).permute(2,1,0),P["c1.b"],padding=1).transpose(1,2)
    c2=F.conv2d(im.permute(0,3,1,2),c(2).permute(3,2,0,1),P["c2.b"],padding=1).permute(0,2,3,1)
    o=dict(a=f@P["a.W"]+P["a.b"], c1=c1, c2=c2, ln=F.layer_norm(f,(3,),P["ln.gain"],P["ln.bias"]),
        rn=f*torch.rsqrt((f**2).mean(1,keepdim=True)+1e-6)*P["rn.gain"],
        bn=F.batch_norm(f,None,None,P["bn.gain"],P["bn.bias"],training=True))
    q,k,v=(torch.einsum("btd,hde->bhte",x,P["mh.W"+n]) for n in "qkv")
    w=(q@k.transpose(2,3)/3**.5).masked_fill(torch.ones(Tn,Tn).triu(1)>0,-math.inf).softmax(-1)
    o["mh"]=torch.einsum("bhte,hed->btd",w@v,P["mh.Wo"])
    o["em"]=P["em.E"][token]
    flat=lambda W:W.transpose(1,2).reshape(-1,3)
    h=torch.zeros(1,B,3); how=(True,1,0.0,False,False,True)
    o["g"]=torch.gru(x,h,[flat(P["g.W"]),flat(P["g.U"]),P["g.b"].reshape(-1),P["g.c"].reshape(-1)],*how)[0]
    o["s"]=torch.lstm(x,[h,h],[flat(P["s.W"]),flat(P["s.U"]),P["s.b"].reshape(-1),torch.zeros(12)],*how)[0]
    return dict(o, l=sum((o[n]**(3 if n in ("ln","rn","bn") else 2)).mean() for n in o))

# Threefry-2x32-20 (Salmon et al., 2011)
def threefry(key, counter):
    m=0xffffffff; ks=[*key,key[0]^key[1]^0x1BD11BDA]; a,b=[(c+k)&m for c,k in zip(counter,ks)]
    turns=[[13,15,26,6],[17,29,16,24]]
    for r in range(5):
        for d in turns[r%2]:
            a=(a+b)&m; b=((b<<d|b>>(32-d))&m)^a
        a=(a+ks[(r+1)%3])&m; b=(b+ks[(r+2)%3]+r+1)&m
    return a,b
assert threefry((0,0),(0,0))==(0x6b200159,0x99ba4efe)
def draws(seed,*shape,normal=False):
    def one(index):
        i,j=(*index,0)[:2]; a,b=threefry((seed,0),(i,j))
        if not normal: return (a>>8)*2**-24
        return math.sqrt(-2*math.log(((a>>8)+1)*2**-24))*math.cos(2*math.pi*(b>>8)*2**-24)
    import itertools
    return torch.tensor([one(i) for i in itertools.product(*map(range,shape))]).reshape(shape)
B,N=3,4

@case("random_ode", """
import { dropout, dropout2, gumbel, gumbel_softmax, gaussian } from "std/random"
import { euler, midpoint, rk4, dopri5 } from "std/ode"
dim B, N
input x: f32[B, N], t: f32[B, N], seed: i32
param W: f32[N, N] = glorot_uniform()
fn field(z: f32[N]) -> d: f32[N] { d[i] = tanh(sum[j] W[i, j] * z[j]) }
h[b, j] = sum[i] x[b, i] * W[i, j]
d1 = dropout2(h, 0.3, seed)
d2[b] = dropout(h[b], 0.25, seed + 1 + b)
g[b] = gumbel_softmax(h[b], 0.7, seed + 100 + b)
n[b] = gaussian(h[b], t[b], seed + 200 + b)
e1[b] = euler(field, x[b], 0.1)
e2[b] = midpoint(field, x[b], 0.1)
e4[b] = rk4(field, x[b], 0.1)
e5[b] = dopri5(field, x[b], 0.1)
rec s in 0..5 {
  z[0, b in 0..B, j in 0..N] = x[b, j]
  z[s + 1, b] = dopri5(field, z[s, b], 0.1)
}
output d1, d2, g, n, e1, e2, e4, e5
output last[b in 0..B, j in 0..N] = z[5, b, j]
loss l = mean[b, j] (d1[b, j] + d2[b, j] + g[b, j] * t[b, j] + n[b, j] + e1[b, j] + e2[b, j] + e4[b, j] + e5[b, j] + last[b, j] - t[b, j])^2
""", dict(x=R(B,N), t=R(B,N), seed=torch.tensor(7)), dict(W=R(N,N)*.7), wrt=["x","t","W"])
def _(x,t,seed,W):
    s=int(seed); h=x@W; field=lambda z:torch.tanh(z@W.T)
    keep=lambda h,u,p:torch.where(u>=p,h/(1-p),torch.zeros(()))
    each=lambda base,**kw:torch.stack([draws(s+base+b,N,**kw) for b in range(B)])
    u=each(100).clamp(min=2**-25)
    def rk(z,rows,weights,dt=0.1):
        ks=[]
        for row in rows: ks.append(field(z+dt*sum((a*k for a,k in zip(row,ks)),torch.zeros(()))))
        return z+dt*sum(w*k for w,k in zip(weights,ks))
    dp=([[],[1/5],[3/40,9/40],[44/45,-56/15,32/9],[19372/6561,-25360/2187,64448/6561,-212/729],
        [9017/3168,-355/33,46732/5247,49/176,-5103/18656]],[35/384,0,500/1113,125/192,-2187/6784,11/84])
    o=dict(d1=keep(h,draws(s,B,N),0.3), d2=keep(h,each(1),0.25), g=((h-torch.log(-torch.log(u)))/0.7).softmax(1),
        n=h+t*each(200,normal=True), e1=rk(x,[[]],[1]), e2=rk(x,[[],[.5]],[0,1]),
        e4=rk(x,[[],[.5],[0,.5],[0,0,1]],[1/6,1/3,1/3,1/6]), e5=rk(x,*dp))
    z=x
    for _ in range(5): z=rk(z,*dp)
    o["last"]=z
    return dict(o, l=((sum(v for n,v in o.items() if n!="g")+o["g"]*t-t)**2).mean())

# Directions for entries at fixed places, beside the formulas.
@case("jvp_places", """
dim N, M
input x: f32[N], v: f32, A: f32[N, M], u: f32[M]
e = sum[i] x[i]^3 + x[0] * x[1]^2
output a = jvp(e, x[1], v)
output h = hvp(e, x[0], v)
output h2 = hvp(e, x[1], v)
y[m] = sum[n] x[n] * A[n, m]^2
output b = jvp(y, A[1], u)
output c[i] = jvp(x[i]^2 * x[0], x[i], v)
q[n] = sum[m] A[n, m]^3
output d[n] = jvp(q[n], A[n], u)
output f[n] = jvp(q[n] * q[0], A[0], u)
loss l = a + h * h2 + (sum[m] b[m]^2) + (sum[n] c[n] * d[n]) + sum[n] f[n]
""", dict(x=R(3), v=R(()), A=R(3,2), u=R(2)), wrt=["x","v","A","u"])
def _(x,v,A,u):
    a=(3*x[1]**2+2*x[0]*x[1])*v; h=6*x[0]*v; h2=(6*x[1]+2*x[0])*v
    b=2*x[1]*A[1]*u; c=torch.cat([3*x[:1]**2*v, 2*x[1:]*x[0]*v]); d=3*A**2@u
    q=(A**3).sum(1); f=q*d[0]+torch.tensor([1.,0,0])*q[0]*d[0]
    return dict(a=a,h=h,h2=h2,b=b,c=c,d=d,f=f,l=a+h*h2+(b**2).sum()+(c*d).sum()+f.sum())

# Every derivative of a function that holds a recurrence, taken in the steps of another, under indices.
@case("derivatives_of_recs", """
dim B, D, S = 2, K = 3
input x0: f32[B, D], v0: f32[B, D]
param W: f32[K, D, D], c: f32[D]
fn net(x: f32[D]) -> y: f32[D] {
  rec k in 0..K {
    h[0] = x
    h[k + 1, d] = h[k, d] + 0.5 * tanh(sum[j] W[k, d, j] * h[k, j])
  }
  y = h[K]
}
fn energy(x: f32[D]) -> e: f32 { y = net(x); e = sum[d] c[d] * y[d]^2 }
rec s in 0..S {
  x[0, b] = x0[b]
  v[0, b] = v0[b]
  g[s, b in 0..B] = grad(energy(x[s, b]), x[s, b])
  t[s, b in 0..B] = jvp(net(x[s, b]), x[s, b], v[s, b])
  u[s, b in 0..B] = vjp(net(x[s, b]), x[s, b], v[s, b])
  q[s, b in 0..B] = hvp(energy(x[s, b]), x[s, b], v[s, b])
  J[s, b in 0..B] = jacobian(net(x[s, b]), x[s, b])
  x[s + 1, b, d] = x[s, b, d] - 0.1 * g[s, b, d] + 0.05 * q[s, b, d]
  v[s + 1, b, d] = 0.5 * t[s, b, d] + 0.2 * u[s, b, d] + 0.1 * J[s, b, d, d]
}
output xs = x[S]
output vs = v[S]
loss l = sum[b in 0..B, d in 0..D] (x[S, b, d]^2 + x[S, b, d] * v[S, b, d])
""", dict(x0=R(2,2),v0=R(2,2)), dict(W=R(3,2,2),c=R(2)), wrt=["W","c","x0","v0"])
def _(x0,v0,W,c):
    def net(x):
        h=x
        for k in range(3): h=h+.5*torch.tanh(W[k]@h)
        return h
    xs,vs=[],[]
    for b in range(2):
        x,v=x0[b],v0[b]
        for s in range(2):
            y=net(x);e=(c*y**2).sum();g,=G(e,x,create_graph=True);q,=G((g*v).sum(),x,create_graph=True)
            J=torch.stack([G(y[i],x,create_graph=True)[0] for i in range(2)])
            x,v=x-.1*g+.05*q,.5*J@v+.2*J.T@v+.1*J.diagonal()
        xs.append(x);vs.append(v)
    xs=torch.stack(xs);vs=torch.stack(vs)
    return dict(xs=xs,vs=vs,l=(xs**2+xs*vs).sum())

# A gradient in the steps of a recurrence within a recurrence, of a function with a nested recurrence of its own, downwards.
@case("recs_within_recs", """
dim N, S = 2, R = 2
param x0: f32[N], a: f32, w: f32[2, N]
fn f(x: f32[N]) -> e: f32 {
  rec i in 0..2 {
    p[0, n in 0..N] = x[n]
    rec j in 2..0 {
      q[i, 2, n in 0..N] = p[i, n]
      q[i, j, n] = q[i, j + 1, n] + a * sin(w[j, n] * q[i, j + 1, n])
    }
    p[i + 1, n] = q[i, 0, n] * 0.9
  }
  e = sum[n] p[2, n]^2 * (n + 1)
}
rec s in 0..S {
  x[0] = x0
  rec r in 0..R {
    y[s, 0] = x[s]
    y[s, r + 1, n] = y[s, r, n] - 0.1 * grad(f(y[s, r]), y[s, r])[n]
  }
  d[s] = grad(f(y[s, R]), y[s, R])
  x[s + 1, n] = y[s, R, n] + 0.05 * d[s, n]
}
output xs = x
loss l = sum[n] x[S, n]^2
""", {}, dict(x0=R(3),a=torch.tensor(.6),w=R(2,3)))
def _(x0,a,w):
    def f(x):
        p=x
        for i in range(2):
            q=p
            for j in (1,0): q=q+a*torch.sin(w[j]*q)
            p=q*.9
        return (p**2*torch.arange(1,4)).sum()
    x=x0;xs=[x]
    for s in range(2):
        y=x
        for r in range(2): y=y-.1*G(f(y),y,create_graph=True)[0]
        x=y+.05*G(f(y),y,create_graph=True)[0];xs.append(x)
    return dict(xs=torch.stack(xs),l=(x**2).sum())

# Pixel shuffle, im2col by reshape, bilinear upsampling by sizes.
@case("pixel_shuffle", """
dim C = 2, H, W, R = 2
input x: f32[C * R * R, H, W]
output y[c in 0..C, i in 0..H * R, j in 0..W * R] = x[c * R * R + (i % R) * R + j % R, i / R, j / R]
cols[i in 0..H - 1, j in 0..W - 1, c, p in 0..2, q in 0..2] = x[c, i + p, j + q]
flat = reshape(cols, [(H - 1) * (W - 1), C * R * R * 4])
output gram[a, b] = sum[k] flat[a, k] * flat[b, k]
loss l = sum[c, i, j] y[c, i, j]^2 * i + mean[a, b] gram[a, b]
""", dict(x=R(8,3,3)), wrt=["x"])
def _(x):
    y=F.pixel_shuffle(x[None],2)[0]
    col=torch.stack([torch.stack([x[:,i:i+2,j:j+2].reshape(-1) for j in range(2)]) for i in range(2)]).reshape(4,-1)
    g=col@col.T
    return dict(y=y,gram=g,l=(y**2*torch.arange(6)[None,:,None]).sum()+g.mean())

# Savitzky-Golay of a window of 5, mirrored at the edges; and its derivative filter.
@case("mirrored", """
dim N
input x: f32[N]
const w = [-3, 12, 17, 12, -3], dw: f32[5] = [-2, -1, 0, 1, 2]
mirror(i: i32) = i
fn at(i: i32) -> y: f32 { y = x[if i < 0 then -i else if i > N - 1 then 2 * (N - 1) - i else i] }
output y[i in 0..N] = sum[k] w[k] / 35 * at(i + k - 2)
output dy[i in 0..N] = (sum[k] dw[k] * at(i + k - 2)) / 10
loss l = sum[i] y[i]^2 + sum[i] dy[i]^3
""".replace("mirror(i: i32) = i\n",""), dict(x=R(7)), wrt=["x"])
def _(x):
    p=F.pad(x[None,None],(2,2),mode="reflect")
    w=torch.tensor([-3.,12,17,12,-3])/35;d=torch.tensor([-2.,-1,0,1,2])/10
    y=F.conv1d(p,w[None,None])[0,0];dy=F.conv1d(p,d[None,None])[0,0]
    return dict(y=y,dy=dy,l=(y**2).sum()+(dy**3).sum())

# Viterbi with back pointers read backwards: argmax in rec, then a downward rec of integers.
@case("viterbi_back", """
dim T, K
input em: f32[T, K], A: f32[K, K]
rec t in 1..T {
  d[0, k] = em[0, k]
  bp[t, k in 0..K] = argmax[j] (d[t - 1, j] + A[j, k])
  d[t, k] = em[t, k] + d[t - 1, bp[t, k]] + A[bp[t, k], k]
}
rec t in T-1..0 {
  path[T - 1] = argmax[k] d[T - 1, k]
  path[t] = bp[t + 1, path[t + 1]]
}
output best = path
loss l = max[k] d[T - 1, k]
""", dict(em=R(6,3),A=R(3,3)), wrt=["em","A"])
def _(em,A):
    d=em[0];bps=[None]
    for t in range(1,6):
        s=d[:,None]+A; bp=s.argmax(0); bps.append(bp); d=em[t]+s.gather(0,bp[None])[0]
    p=[int(d.argmax())]
    for t in range(5,0,-1): p.append(int(bps[t][p[-1]]))
    return dict(best=torch.tensor(p[::-1]),l=d.max())

# Forward-backward with scaling; smoothed posteriors by a downward rec.
@case("forward_backward", """
dim T, K
param Araw: f32[K, K], B: f32[T, K]
A[j, k] = softmax[k] Araw[j, k]
o[t, k] = sigmoid(B[t, k])
rec t in 1..T {
  ua[0, k] = o[0, k] / K
  c[0] = sum[k] ua[0, k]
  a[0, k] = ua[0, k] / c[0]
  ua[t, k] = o[t, k] * sum[j] a[t - 1, j] * A[j, k]
  c[t] = sum[k] ua[t, k]
  a[t, k] = ua[t, k] / c[t]
}
rec t in T-1..0 {
  b[T - 1, k in 0..K] = 1
  b[t, j] = (sum[k] A[j, k] * o[t + 1, k] * b[t + 1, k]) / c[t + 1]
}
output gamma[t, k] = a[t, k] * b[t, k]
loss l = -(sum[t] log(c[t])) + sum[t, k] gamma[t, k]^2
""", {}, dict(Araw=R(3,3),B=R(5,3)))
def _(Araw,B):
    A=torch.softmax(Araw,1);o=torch.sigmoid(B);a=[];c=[]
    for t in range(5):
        u=o[t]*(torch.ones(3)/3 if t==0 else a[-1]@A); c.append(u.sum()); a.append(u/c[-1])
    b=[None]*5;b[4]=torch.ones(3)
    for t in range(3,-1,-1): b[t]=A@(o[t+1]*b[t+1])/c[t+1]
    g=torch.stack([a[t]*b[t] for t in range(5)])
    return dict(gamma=g,l=-torch.log(torch.stack(c)).sum()+(g**2).sum())

# Base entries that read each other.
@case("bases_read", """
dim T, N
input u: f32[T]
param a: f32[N], b: f32
rec t in 2..T {
  x[0, i] = a[i]
  x[1, i] = x[0, i] * b + y[0, i]
  y[0, i] = sin(x[0, i])
  y[1, i] = y[0, i] + x[1, i]
  x[t, i] = x[t - 1, i] * 0.5 + y[t - 2, i] * u[t]
  y[t, i] = cos(x[t, i]) + y[t - 1, i]
}
output xs = x
output ys = y
loss l = sum[t, i] x[t, i] * y[t, i]
""", dict(u=R(5)), dict(a=R(3),b=torch.tensor(.7)), wrt=["a","b","u"])
def _(u,a,b):
    x=[a];y=[torch.sin(a)];x.append(x[0]*b+y[0]);y.append(y[0]+x[1])
    for t in range(2,5): x.append(x[-1]*.5+y[t-2]*u[t]);y.append(torch.cos(x[t])+y[t-1])
    x=torch.stack(x);y=torch.stack(y)
    return dict(xs=x,ys=y,l=(x*y).sum())

# Greedy decoding: the argmax of a step is the next step's token.
@case("greedy", """
dim V, D, T = 6
param E: f32[V, D], W: f32[D, D], O: f32[D, V]
rec t in 0..T {
  h[0, d in 0..D] = 0
  tok[0] = 1
  h[t + 1, d] = tanh(E[tok[t], d] + sum[k] h[t, k] * W[k, d])
  z[t, v] = sum[d] h[t + 1, d] * O[d, v]
  tok[t + 1] = argmax[v] z[t, v]
}
output tokens = tok
loss l = sum[t] (logsumexp[v] z[t, v] - z[t, tok[t + 1]])
""", {}, dict(E=R(5,3),W=R(3,3),O=R(3,5)))
def _(E,W,O):
    h=torch.zeros(3);tok=[1];l=0
    for t in range(6):
        h=torch.tanh(E[tok[-1]]+h@W);z=h@O;tok.append(int(z.argmax()));l=l+torch.logsumexp(z,0)-z[tok[-1]]
    return dict(tokens=torch.tensor(tok),l=l)

# Power iteration until the Rayleigh quotient settles, under indices; bisection with while; early exit at once.
@case("while_mapped", """
dim B, N
param A: f32[B, N, N]
input lo: f32[B], hi: f32[B]
fn eig(A: f32[N, N]) -> r: f32 {
  rec k in 0..300 while dq[k] > 1e-28 {
    v[0, i in 0..N] = 1 + i
    q[0] = 0
    dq[0] = 1
    Av[k, i in 0..N] = sum[j in 0..N] (A[i, j] + A[j, i] + (if i == j then 4.0 else 0.0)) * v[k, j]
    n[k] = sqrt(sum[i] Av[k, i]^2)
    v[k + 1, i] = Av[k, i] / n[k]
    q[k + 1] = n[k]
    dq[k + 1] = (q[k + 1] - q[k])^2
  }
  r = q[300]
}
fn root(lo: f32, hi: f32) -> m: f32 {
  rec k in 0..60 while b[k] - a[k] > 1e-9 {
    a[0] = lo
    b[0] = hi
    mid[k] = 0.5 * (a[k] + b[k])
    up[k] = mid[k]^3 + mid[k] > 1
    a[k + 1] = if up[k] then a[k] else mid[k]
    b[k + 1] = if up[k] then mid[k] else b[k]
  }
  m = 0.5 * (a[60] + b[60])
}
output e[b] = eig(A[b])
output r[b] = root(lo[b], hi[b])
rec k in 0..9 while z[k] > 100 {
  z[0] = e[0]
  z[k + 1] = 2 * z[k]
}
loss l = sum[b] e[b]^2 + z[9]
""", dict(lo=torch.tensor([0.,.5]),hi=torch.tensor([1.,1.])), dict(A=R(2,3,3)),wrt=["A"])
def _(lo,hi,A):
    e=[]
    for b in range(2):
        M=A[b]+A[b].T+4*torch.eye(3);v=torch.arange(1.,4.);q=torch.tensor(0.);d=1
        for k in range(300):
            if not d>1e-28: break
            w=M@v;n=torch.sqrt((w**2).sum());v=w/n;d=float((n-q)**2);q=n
        e.append(q)
    e=torch.stack(e)
    def bis(a,b):
        a,b=float(a),float(b)
        for k in range(60):
            if not b-a>1e-9: break
            m=.5*(a+b)
            if m**3+m>1:b=m
            else:a=m
        return .5*(a+b)
    return dict(e=e,r=torch.tensor([bis(lo[b],hi[b]) for b in range(2)]),l=(e**2).sum()+e[0])

# Keywords, internal functions and letters of other scripts as names.
@case("names", """
dim dim = 3, loss
input input: f32[dim], output: f32[loss], neg: f32[dim], Δt: f32
param param: f32[dim], rec: f32, θ_0: f32[dim], σ: f32
param fn: f32[loss, dim] = normal(0.1)
state state: f32 = 1
const train = 2.5, with = [1.0, 2, 3]
for[i] = input[i] * param[i] + with[i % 3] + neg[i] * Δt
check = sum[i] for[i] * rec
at[as] = sum[from] fn[as, from] * for[from] * train
while = sum[none] at[none]^2
layer = check + while
add = layer + sum[i] output[i]
sub = grad(add, param)
mul = -sub
f(Δ: f32) = Δ
ε[i] = tanh(θ_0[i] / σ) * mul[i]
output mul, ε
output mul0[i] = mul[i] + neg[i]
loss adjoint = add + state + sum[i] ε[i]
state' = adjoint
checkpoint = 2 * adjoint
optimizer = checkpoint
output optimizer
""".replace("f(Δ: f32) = Δ\n",""), dict(input=R(3),output=R(2),neg=R(3),**{"Δt":torch.tensor(.3)}), dict(param=R(3),rec=torch.tensor(.7),**{"θ_0":R(3),"σ":torch.tensor(1.4)},fn=R(2,3)),loss="adjoint", wrt=["param","rec","\u03b8_0","\u03c3","fn","input","output","neg","\u0394t"])
def _(input,output,neg,Δt,param,rec,θ_0,σ,fn):
    fo=input*param+torch.tensor([1.,2,3])+neg*Δt;ch=(fo*rec).sum();at=fn@fo*2.5;la=ch+(at**2).sum();add=la+output.sum()
    sub,=torch.autograd.grad(add,param,create_graph=True);mul=-sub;e=torch.tanh(θ_0/σ)*mul
    ad=add+1+e.sum()
    return dict(mul=mul,**{"ε":e},mul0=mul+neg,adjoint=ad,optimizer=2*ad)

# A fixed point whose adjoint solves the transposed system by steps of its own, in steps, under indices and twice.
@case("adjoint_with_steps", """
dim B, D, S = 2
input x: f32[B, D]
param W: f32[D, D], b: f32[D]
fn cell(z: f32[D], u: f32[D], W: f32[D, D]) -> y: f32[D] { y[i] = tanh(0.3 * (sum[j] W[i, j] * z[j]) + u[i]) }
fn deq(u: f32[D], W: f32[D, D]) -> z: f32[D] {
  rec k in 0..80 {
    s[0, i in 0..D] = 0
    s[k + 1] = cell(s[k], u, W)
  }
  z = s[80]
} adjoint(dz) -> (du, dW) {
  rec k in 0..80 {
    v[0] = dz
    v[k + 1, i] = dz[i] + vjp(cell(z, u, W), z, v[k])[i]
  }
  du = vjp(cell(z, u, W), u, v[80])
  dW = vjp(cell(z, u, W), W, v[80])
}
rec s in 0..S {
  h[0, n] = x[n]
  h[s + 1, n] = deq(h[s, n] + b, W)
}
output hs = h[S]
e = sum[n in 0..B, i in 0..D] h[S, n, i]^3
g = grad(e, b)
output go = g
loss l = e + sum[i] g[i]^2
""", dict(x=R(2,3)), dict(W=R(3,3)*.7,b=R(3)), wrt=["W","b","x"])
def _(x,W,b):
    def deq(u):
        z=torch.zeros_like(u)
        for _ in range(80): z=torch.tanh(.3*z@W.T+u)
        return z
    h=x
    for s in range(2): h=deq(h+b)
    e=(h**3).sum();g,=G(e,b,create_graph=True)
    return dict(hs=h,go=g,l=e+(g**2).sum())

# A linear solver by a function with steps, called from the adjoint with the transposed matrix.
@case("adjoint_of_solver", """
dim N, M
param A: f32[N, N], b: f32[M, N]
fn gs(A: f32[N, N], b: f32[N]) -> x: f32[N] {
  rec k in 0..90 {
    z[0, i in 0..N] = 0
    z[k + 1, i] = z[k, i] + 0.5 * (b[i] - sum[j] A[i, j] * z[k, j])
  }
  x = z[90]
}
fn solve_(A: f32[N, N], b: f32[N]) -> x: f32[N] { x = gs(A, b) } adjoint(dx) -> (dA, db) {
  At[i, j] = A[j, i]
  db = solve_t(At, dx)
  dA[i, j] = -db[i] * x[j]
}
fn solve_t(A: f32[N, N], b: f32[N]) -> x: f32[N] { x = gs(A, b) } adjoint(dx) -> (dA, db) {
  At[i, j] = A[j, i]
  db = gs(At, dx)
  dA[i, j] = -db[i] * x[j]
}
P[i, j] = (if i == j then 1 else 0) + 0.1 * A[i, j]
x[m] = solve_(P, b[m])
e = sum[m, i] x[m, i]^2
g = grad(e, A)
output xo = x
output go = g
loss l = e + sum[i, j] g[i, j]^2
""", {}, dict(A=R(3,3),b=R(2,3)))
def _(A,b):
    P=torch.eye(3)+.1*A;x=torch.linalg.solve(P,b.T).T;e=(x**2).sum();g,=G(e,A,create_graph=True)
    return dict(xo=x,go=g,l=e+(g**2).sum())

# The same under a jacobian, whose batch only the cotangent has.
@case("adjoint_in_adjoint", """
dim N
param x: f32[N], w: f32[N]
fn twist(u: f32, s: f32) -> y: f32 { y = sin(u) * s } adjoint(dy) -> (du, ds) { du = 3 * dy * cos(u) * s; ds = dy * sin(u) }
fn outer(v: f32[N]) -> y: f32[N] { y[i] = v[i]^2 } adjoint(dy) -> (dv) { dv[i] = twist(dy[i], w[i]) * v[i] + (cumsum_(dy))[i] }
fn cumsum_(d: f32[N]) -> c: f32[N] {
  rec i in 1..N {
    a[0] = d[0]
    a[i] = a[i - 1] * 0.5 + d[i]
  }
  c = a
}
y = outer(x)
e[i] = y[i]^2 * w[i]
J[i] = grad(e[i], x)
output Jo = J
loss l = sum[i, j] J[i, j]^2
""", {}, dict(x=R(3),w=R(3)))
def _(x,w):
    class Tw(torch.autograd.Function):
        @staticmethod
        def forward(c,u,s): c.save_for_backward(u,s);return torch.sin(u)*s
        @staticmethod
        def backward(c,d): u,s=c.saved_tensors;return 3*d*torch.cos(u)*s,d*torch.sin(u)
    class Out(torch.autograd.Function):
        @staticmethod
        def forward(c,v,w): c.save_for_backward(v,w);return v**2
        @staticmethod
        def backward(c,d):
            v,w=c.saved_tensors;a=[d[0]]
            for i in range(1,3): a.append(a[-1]*.5+d[i])
            return Tw.apply(d,w)*v+torch.stack(a),None
    y=Out.apply(x,w)
    J=torch.stack([G((y**2*w)[i],x,create_graph=True)[0] for i in range(3)])
    return dict(Jo=J,l=(J**2).sum())

# An adjoint made of vjp through a gather and of a reduction, and second order through it.
@case("adjoint_with_gather", """
dim V, N
input k: i32[N] in 0..V
param E: f32[V], x: f32[N]
fn look(E: f32[V], x: f32[N]) -> y: f32[N] { y[n] = E[k[n]] * x[n]^2 } adjoint(dy) -> (dE, dx) {
  dE = vjp(plain(E, x), E, 2 * dy)
  dx[n] = dy[n] * 2 * x[n] * E[k[n]]
}
fn plain(E: f32[V], x: f32[N]) -> y: f32[N] { y[n] = E[k[n]] * x[n]^2 }
y = look(E, x)
e = sum[n] y[n]^2
g = grad(e, E)
output go = g
loss l = e + sum[v] g[v]^2
""", dict(k=torch.tensor([0,2,2,1])), dict(E=R(3),x=R(4)))
def _(k,E,x):
    class L(torch.autograd.Function):
        @staticmethod
        def forward(c,E,x): c.save_for_backward(E,x);return E[k]*x**2
        @staticmethod
        def backward(c,d):
            E,x=c.saved_tensors
            return torch.zeros(3).index_add(0,k,2*d*x**2),d*2*x*E[k]
    y=L.apply(E,x);e=(y**2).sum();g,=G(e,E,create_graph=True)
    return dict(go=g,l=e+(g**2).sum())

# The largest eigenvalue of a Hessian by steps of hvp, conjugate gradients for a Newton step, and directions of steps in each mode.
@case("hvp_in_steps", """
dim D, N
input X: f32[N, D]
param w: f32[D], c: f32
fn f(w: f32[D]) -> y: f32[N] { y[n] = softplus(sum[d] X[n, d] * w[d]) * (1 + 0.1 * (n + 1)) }
y = f(w)
e = sum[n] y[n] + 0.5 * c^2 * sum[d] w[d]^2
rec k in 0..4 {
  v[0, i in 0..D] = 1 / sqrt(D)
  h[k] = hvp(e, w, v[k])
  v[k + 1, i] = h[k, i] / sqrt(sum[j] h[k, j]^2)
}
output top = sum[i] v[4, i] * h[3, i]
g = grad(e, w)
rec k in 0..3 {
  s[0, i in 0..D] = 0
  r[0] = g
  p[0] = g
  Ap[k] = hvp(e, w, p[k])
  a[k] = (sum[i] r[k, i]^2) / sum[i] p[k, i] * Ap[k, i]
  s[k + 1, i] = s[k, i] + a[k] * p[k, i]
  r[k + 1, i] = r[k, i] - a[k] * Ap[k, i]
  p[k + 1, i] = r[k + 1, i] + (sum[j] r[k + 1, j]^2) / (sum[j] r[k, j]^2) * p[k, i]
}
rec k in 0..2 {
  u[0] = w
  t[k] = jvp(y, w, u[k])
  u[k + 1] = vjp(y, w, t[k])
}
output newton = s[3]
loss l = top + sum[i] s[3, i]^2 + 0.1 * sum[i] u[2, i]
""", dict(X=R(4,3)), dict(w=R(3)*.5,c=torch.tensor(.9)), wrt=["w","c","X"])
def _(X,w,c):
    y=F.softplus(X@w)*(1+.1*torch.arange(1,5));e=y.sum()+.5*c**2*(w**2).sum();g,=G(e,w,create_graph=True)
    H=torch.stack([G(g[i],w,create_graph=True)[0] for i in range(3)]);J=torch.stack([G(y[i],w,create_graph=True)[0] for i in range(4)])
    v=torch.ones(3)/math.sqrt(3)
    for k in range(4): h=H@v;v=h/torch.sqrt((h**2).sum())
    s=torch.zeros(3);r=g;p=g
    for k in range(3):
        A=H@p;a=(r**2).sum()/(p*A).sum();s=s+a*p;r2=r-a*A;p=r2+(r2**2).sum()/(r**2).sum()*p;r=r2
    u=w
    for k in range(2): u=J.T@(J@u)
    top=(v*h).sum()
    return dict(top=top,newton=s,l=top+(s**2).sum()+.1*u.sum())

# The same per example, in steps of both the state and the direction.
@case("hvp_nested", """
dim B, D, S = 2, K = 3
input x0: f32[B, D]
param A: f32[D, D]
fn U(x: f32[D]) -> e: f32 { e = sum[i] log(1 + (sum[j] A[i, j] * x[j])^2) }
rec s in 0..S {
  x[0, b] = x0[b]
  e[s, b in 0..B] = U(x[s, b])
  rec k in 0..K {
    v[s, 0, b in 0..B, i in 0..D] = x[s, b, i] + 0.1
    v[s, k + 1, b in 0..B, i] = 0.5 * v[s, k, b, i] + 0.2 * hvp(U(x[s, b]), x[s, b], v[s, k, b])[i]
  }
  x[s + 1, b, i] = x[s, b, i] - 0.1 * v[s, K, b, i]
}
output xs = x[S]
loss l = sum[b in 0..B] U(x[S, b])
""", dict(x0=R(2,3)), dict(A=R(3,3)*.6), wrt=["A","x0"])
def _(x0,A):
    U=lambda x:torch.log(1+(A@x)**2).sum()
    xs=[]
    for b in range(2):
        x=x0[b]
        for s in range(2):
            g,=G(U(x),x,create_graph=True);v=x+.1
            for k in range(3): v=.5*v+.2*G((g*v.detach()).sum()*0+ (g*v).sum(),x,create_graph=True)[0] if False else .5*v+.2*(torch.stack([G(g[i],x,create_graph=True)[0] for i in range(3)])@v)
            x=x-.1*v
        xs.append(x)
    xs=torch.stack(xs)
    return dict(xs=xs,l=U(xs[0])+U(xs[1]))

# What a choice shuts out, under names of its own: logarithms, roots, quotients and powers as factors, to the third order.
@case("shut_out", """
dim N, M
input ok: bool[N], w: f32[N]
param x: f32[N], p: f32, v: f32[M]
a[i] = p * log(x[i])
b[i] = x[i]^p * sin(x[i])
c[i, j] = v[j] * sqrt(x[i]) / x[i]
r[i] = sum[j] c[i, j]^2
twice[i] = 2 * a[i] * p
y[i] = if ok[i] then twice[i] + b[i] else w[i]
z = sum[i | ok[i]] r[i] * w[i]
m = max[i | ok[i]] (a[i] + b[i])
t[i, j] = softmax[j] c[i, j]
e = sum[i] y[i]^2 + z + m + sum[i, j | ok[i]] t[i, j] * c[i, j]
g = grad(e, x)
h = hvp(e, x, w)
q = grad(e, p)
output go = g
output ho = h
output qo = q
loss l = e + 0.1 * sum[i] g[i] * w[i] + 0.1 * sum[i] h[i]^2 + q
""", dict(ok=torch.tensor([1,0,1,0]).bool(),w=torch.tensor([.5,2.,-1.,3.])), dict(x=torch.tensor([1.5,-.7,.8,0.]),p=torch.tensor(1.3),v=torch.tensor([.4,-.9])),wrt=["x","p","v","w"])
def _(ok,w,x,p,v):
    i=[0,2];X=x[i];W=w[i]
    a=p*torch.log(X);b=X**p*torch.sin(X);c=v*(torch.sqrt(X)/X)[:,None];r=(c**2).sum(1)
    y=2*a*p+b;t=torch.softmax(c,1)
    e=(y**2).sum()+(w[[1,3]]**2).sum()+(r*W).sum()+(a+b).max()+(t*c).sum()
    g,=G(e,x,create_graph=True);h,=G((g*w).sum(),x,create_graph=True)
    q,=G(e,p,create_graph=True)
    return dict(go=g,ho=h,qo=q,l=e+.1*(g*w).sum()+.1*(h**2).sum()+q)

# The same in steps: entries past a sequence's length are infinite, and come to nothing.
@case("shut_out_steps", """
dim B, T
input x: f32[B, T], n: i32[B] in 0..T + 1
param a: f32, s: f32
f[b, t] = a * log(x[b, t]) / x[b, t]
rec t in 0..T {
  h[0, b in 0..B] = s
  u[t, b in 0..B] = f[b, t] * tanh(h[t, b])
  h[t + 1, b] = if t < n[b] then 0.5 * h[t, b] + u[t, b] else h[t, b]
}
k[b, t] = s / x[b, t]
e = sum[b] h[T, b]^2 + sum[b, t | t < n[b]] k[b, t]
g = grad(e, s)
output hT = h[T]
output go = g
loss l = e + g^2
""", dict(x=torch.tensor([[1.5,.7,0.],[.6,0.,0.]]),n=torch.tensor([2,1])), dict(a=torch.tensor(.7),s=torch.tensor(.4)), wrt=["a","s","x"])
def _(x,n,a,s):
    e=0;hs=[]
    for b in range(2):
        h=s
        for t in range(int(n[b])):
            v=x[b,t];h=.5*h+a*torch.log(v)/v*torch.tanh(h);e=e+s/v
        hs.append(h);e=e+h**2
    g,=G(e,s,create_graph=True)
    return dict(hT=torch.stack(hs),go=g,l=e+g**2)

# Rows that a mask shuts out hold infinities and NaN, in every operator, and in products with matrices.
@case("shut_out_operators", """
dim B, N, M
input ok: bool[B], x: f32[B, N]
param W: f32[N, M], s: f32, u: f32[M]
c[b, n] = s * log(x[b, n]) / x[b, n]
a1[b] = logsumexp[n] c[b, n]
a2[b, n] = softmax[n] c[b, n]
a3[b, n] = log_softmax[n] c[b, n]
a4[b, n] = cumsum[n] c[b, n]
a5[b, n] = cumprod[n] c[b, n]
a6[b] = prod[n] c[b, n]
a7[b] = (max[n] c[b, n]) + min[n] c[b, n]
d[b, m] = sum[n] c[b, n] * W[n, m]
f[b, m] = tanh(d[b, m]) * u[m]
k[b] = mean[m] f[b, m]^2
all_[b] = a1[b] * s + (sum[n] (a2[b, n]^2 + a3[b, n] * s)) + a7[b] + k[b]
e = sum[b | ok[b]] all_[b]
first = sum[b | ok[b]] (a6[b] + sum[n] a4[b, n] * a5[b, n])
g = grad(e, s)
gW = grad(e, W)
output parts[b in 0..B] = if ok[b] then all_[b] else 0
output go = g
loss l = e + first + 0.1 * g^2 + sum[n, m] gW[n, m]^2
""", dict(ok=torch.tensor([1,0,1,0]).bool(),x=torch.tensor([[1.5,.7,2.],[0.,1.,2.],[.4,1.2,.9],[-1.,0.,1.]])), dict(W=R(3,2)*.5,s=torch.tensor(.7),u=R(2)), wrt=["W","s","u","x"])
def _(ok,x,W,s,u):
    X=x[[0,2]];c=s*torch.log(X)/X;a2=torch.softmax(c,1);f=torch.tanh(c@W)*u
    al=torch.logsumexp(c,1)*s+(a2**2+torch.log_softmax(c,1)*s).sum(1)+c.amax(1)+c.amin(1)+(f**2).mean(1)
    e=al.sum();g,gW=G(e,[s,W],create_graph=True)
    p=torch.zeros(4).index_put((torch.tensor([0,2]),),al);first=(torch.cumsum(c,1)*torch.cumprod(c,1)).sum()+c.prod(1).sum()
    return dict(parts=p,go=g,l=e+first+.1*g**2+(gW**2).sum())

# Right- and left-censored Weibull with covariates; log branches guarded.
@case("weibull", """
dim N, P
input X: f32[N, P], t: f32[N], kind: i32[N] in 0..3
param w: f32[P], logk: f32
k = exp(logk)
lam[n] = exp(sum[p] X[n, p] * w[p])
H[n] = (t[n] / lam[n])^k
logh[n] = logk - log(lam[n]) + (k - 1) * (log(t[n]) - log(lam[n]))
ll[n] = if kind[n] == 0 then logh[n] - H[n] else if kind[n] == 1 then -H[n] else if t[n] > 0 then log(-expm1(-H[n])) else 0
output ll2 = ll
loss l = -sum[n] ll[n]
""", dict(X=R(5,2),t=torch.tensor([1.,2.,.5,0.,1.5]),kind=torch.tensor([0,1,2,2,0])), dict(w=R(2)*.4,logk=torch.tensor(.3)),wrt=["w","logk","X"])
def _(X,t,kind,w,logk):
    k=torch.exp(logk);lam=torch.exp(X@w);ll=[]
    for n in range(5):
        if t[n]==0: ll.append(torch.tensor(0.));continue
        H=(t[n]/lam[n])**k;lh=logk-torch.log(lam[n])+(k-1)*(torch.log(t[n])-torch.log(lam[n]))
        ll.append(lh-H if kind[n]==0 else -H if kind[n]==1 else torch.log(-torch.expm1(-H)))
    ll=torch.stack(ll)
    return dict(ll2=ll,l=-ll.sum())

# Cotangents and tangents that are 0 by themselves: of a weight or a direction of 0, of a function that has saturated, of
# entries that no sum reads.
@case("zero_cotangents", """
dim N
input x: f32[N], w: f32[N], ok: bool[N], q: bool[N, N]
param s: f32, v: f32[N], W: f32[N]
y[i] = s * log(x[i])
l1 = sum[i] (w[i] * tanh(y[i]) + exp(y[i]))
z[i] = v[i] * log(x[i])
e = sum[i] exp(z[i])
j = jvp(z, v, w)
k = vjp(z, v, w)
h = hvp(e, v, w)
c[i, n] = s * W[n] / x[i]
m1[i] = sum[n] c[i, n] * W[n]
m2[i] = sum[n] c[i, n] * sin(W[n])
m3[i] = sum[n] c[i, n] * cos(W[n])
l2 = sum[i, j | ok[j] and q[i, j]] m1[i] * s
r[i in 0..N] = (if ok[i] and q[i, 0] then m2[i] else 0) + (if ok[i] and q[i, 1] then m2[i] else 0)
t[i in 0..N] = sum[j | j < i and ok[j]] m3[j]
output jo = j
output ko = k
output ho = h
loss l = l1 + l2 + (sum[i] (r[i]^2 + t[i]^2)) + sum[i] (j[i] * v[i] + k[i]^2 + h[i]^2)
""", dict(x=torch.tensor([1.5,0.,2.,0.]),w=torch.tensor([.5,0.,-1.2,0.]),ok=torch.tensor([1,0,1,0]).bool(),
    q=torch.tensor([[1,1,0,0],[0,1,0,1],[0,0,1,0],[0,0,0,1]]).bool()),
  dict(s=torch.tensor(.7),v=torch.tensor([.3,.8,-.4,1.1]),W=torch.tensor([.7,-.3,.2,.9])), wrt=["s","v","W","x"])
def _(x,w,ok,q,s,v,W):
    i=[0,2];X,u,d=x[i],w[i],v[i];L=torch.log(X)
    l1=(u*torch.tanh(s*L)+torch.exp(s*L)).sum()
    full=lambda a: torch.zeros(4).index_put((torch.tensor(i),),a)
    j=u*L;h=torch.exp(d*L)*L**2*u
    m=lambda f: (s/X)*(W*f(W)).sum()
    m1,m2,m3=m(lambda a:a),m(torch.sin),m(torch.cos)
    n=(q[i]&ok).sum(1);r=m2*q[i][:,:2].sum(1)
    t=torch.stack([0*s,m3[0],m3[0],m3[0]+m3[1]])
    return dict(jo=full(j),ko=full(j),ho=full(h),l=l1+(m1*s*n).sum()+(r**2).sum()+(t**2).sum()+(j*d+j**2+h**2).sum())
