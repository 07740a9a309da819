"""What others make of a run's folder: seeing.py tensorboard RUN | page REPORT.html [DOM.html]. Prints what is wrong, exit status 1 then."""
import glob
import html.parser
import re
import sys


def tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing import event_file_loader

    (file,) = glob.glob(run + "/events.out.tfevents.*")
    events = list(event_file_loader.RawEventFileLoader(file).Load())  # checks every checksum
    seen = EventAccumulator(run, size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
    seen.Reload()
    scalars = {e.step: e.value for e in seen.Scalars("known/squares")}
    assert scalars == {i: float(i * i) for i in range(10)}, scalars
    (histogram,) = seen.Histograms("known/numbers")
    h = histogram.histogram_value
    assert (histogram.step, h.min, h.max, h.num, h.sum, h.sum_squares) == (9, 0, 99, 100, 4950, 328350), h
    assert sum(h.bucket) == 100 and len(h.bucket) == len(h.bucket_limit)
    (image,) = seen.Images("known/image")
    assert (image.width, image.height) == (4, 3)
    try:
        import io
        from PIL import Image
        assert list(Image.open(io.BytesIO(image.encoded_image_string)).getdata()) == [20 * i for i in range(12)]
    except ImportError:
        pass
    (text,) = seen.Tensors("known/text/text_summary")
    assert text.tensor_proto.string_val[0] == b"a **word**"
    tags = seen.Tags()["histograms"]
    for tag in ("parameters/0.weight", "gradients/4.bias", "buffers/1.running_mean"):
        assert tag in tags, tags


class Reader(html.parser.HTMLParser):
    """Checks that tags close, and collects ids, images and anything that would be loaded from elsewhere."""

    VOID = {"meta", "img", "br", "link", "input", "path", "rect", "line", "circle", "polygon"}

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.images, self.outside = [], [], 0, []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.images += tag == "img" and attributes.get("src", "").startswith("data:image/png;base64,")
        self.outside += [v for k, v in attributes.items() if k in ("src", "href") and not v.startswith(("data:", "#"))]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def page(path, dom=None):
    text = open(path).read()
    reader = Reader()
    reader.feed(text)
    assert not reader.open, reader.open
    assert not reader.outside, reader.outside
    assert not re.search(r"url\(|@import|<script", text)
    for section in ("curves", "doctor", "confusion", "layers", "batch-norm", "model"):
        assert section in reader.ids, f"no section {section}"
    assert reader.images > 0
    for words in ("cat &amp; dog", "&lt;one&gt; sample", "train loss", "1: running_mean", "Total params", "Gradients relative to weights"):
        assert words in text, words
    if dom:  # as the browser has understood it
        browser = open(dom).read()
        assert browser.count("<svg") == text.count("<svg") and browser.count("<section") == text.count("<section")


try:
    {"tensorboard": tensorboard, "page": page}[sys.argv[1]](*sys.argv[2:])
except AssertionError as error:
    print(error)
    raise
