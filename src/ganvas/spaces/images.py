"""TEMPORARY stand-in while the real package is being written."""
import hashlib
from dataclasses import dataclass
import numpy as np, torch
from PIL import Image
from torch import nn
from ganvas.labels import Labels
from ganvas.space import Data, Rows, hold_out
@dataclass(frozen=True)
class Images:
    height: int; width: int; channels: int; bits: int = 8; mode: str = "L"; labels: Labels | None = None
    @property
    def shape(self): return (self.channels, self.height, self.width)
    def encode(self, raw): return torch.from_numpy(raw).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    def decode(self, x): return ((x.permute(0,2,3,1)+1)*127.5).round().clamp(0,255).to(torch.uint8).numpy()
    def head(self): return nn.Tanh()
    def show(self, raw, columns):
        n,h,w,c=raw.shape; rows=-(-n//columns); out=np.zeros((rows*(h+1),columns*(w+1),c),np.uint8)
        for i in range(n):
            r,k=divmod(i,columns); out[r*(h+1):r*(h+1)+h,k*(w+1):k*(w+1)+w]=raw[i]
        im=Image.fromarray(out.squeeze()); f=max(1,round(32/h)); return im.resize((im.width*f,im.height*f),0)
    def pictures(self, raw): return [Image.fromarray(r.squeeze()) for r in raw]
    def config(self): return dict(height=self.height,width=self.width,channels=self.channels,bits=self.bits,mode=self.mode,labels=self.labels.config() if self.labels else None)
    @classmethod
    def load(cls, c): c=dict(c); l=c.pop("labels"); return cls(**c,labels=Labels.load(l) if l else None)
def _make(name,x,y,tr,te,origin):
    labels=Labels.of(["label"],[[str(i) for i in range(10)]],y[:,None])
    return Data(name,Images(x.shape[1],x.shape[2],1,labels=labels),Rows(x,y[:,None],tr),Rows(x,y[:,None],te),hashlib.blake2b(x.tobytes()).hexdigest(),{"summary":f"{len(x)} pictures"},origin)
def digits(holdout=None,seed=0):
    from sklearn.datasets import load_digits
    d=load_digits(); x=np.round(d.images*255/16).astype(np.uint8)[...,None]; y=d.target
    tr,te=hold_out(len(x),.1 if holdout is None else holdout,seed); return _make("digits",x,y,tr,te,dict(source="digits",seed=seed,holdout=holdout))
BUILT_IN=(digits,)
def images(path,seed=0,**k):
    z=np.load(path); x=np.concatenate([z["x_train"],z["x_test"]])[...,None]; y=np.concatenate([z["y_train"],z["y_test"]]).astype(np.int64)
    return _make("mnist",x,y,np.arange(60000),np.arange(60000,70000),dict(source=str(path),seed=seed))
