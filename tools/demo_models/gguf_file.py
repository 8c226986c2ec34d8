"""gguf_file.py MODEL.pt VOCABULARY.json OUT.gguf NAME [SOFTER]: writes a trained model as GGUF version 3, in F32.

SOFTER divides the logits: what is likeliest stays so, but samples differ more. `covey quantize` makes smaller types.
"""
import struct
import sys

import numpy as np

from network import HEAD_SIZE, NORM_EPS, ROPE_BASE, load
from tokenizer import CHAT_TEMPLATE, Tokenizer

ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, CONTROL = 1, 3  # types of tokens


def string(text):
    data = text.encode()
    return struct.pack('<Q', len(data)) + data


def value(of):
    if isinstance(of, bool):
        return struct.pack('<I?', BOOL, of)
    if isinstance(of, int):
        return struct.pack('<II', U32, of)
    if isinstance(of, float):
        return struct.pack('<If', F32, of)
    if isinstance(of, str):
        return struct.pack('<I', STRING) + string(of)
    if isinstance(of[0], str):
        return struct.pack('<IIQ', ARRAY, STRING, len(of)) + b''.join(map(string, of))
    return struct.pack('<IIQ', ARRAY, I32, len(of)) + struct.pack(f'<{len(of)}i', *of)


def rows_for_pairs(matrix):
    """Rows of each head in the order of `llama`, where the values that rotate together are neighbours."""
    heads = matrix.shape[0] // HEAD_SIZE
    return matrix.reshape(heads, 2, HEAD_SIZE // 2, -1).swapaxes(1, 2).reshape(matrix.shape)


def tensors_of(network):
    ones = np.ones(network.shape.width)
    yield 'token_embd.weight', network.embed
    for i, layer in enumerate(network.layers):
        for name, rows in (('attn_q', rows_for_pairs(layer.q.detach().numpy())), ('attn_k', rows_for_pairs(layer.k.detach().numpy())),
                           ('attn_v', layer.v), ('attn_output', layer.o), ('ffn_gate', layer.gate), ('ffn_up', layer.up),
                           ('ffn_down', layer.down), ('attn_norm', ones), ('ffn_norm', ones)):
            yield f'blk.{i}.{name}.weight', rows
    yield 'output_norm.weight', network.scale


def metadata(network, tokenizer, name):
    s = network.shape
    special = len(tokenizer.tokens) - 3
    return {'general.architecture': 'llama', 'general.name': name, 'general.license': 'mit', 'general.alignment': ALIGNMENT,
            'llama.context_length': s.context, 'llama.embedding_length': s.width, 'llama.block_count': s.layers,
            'llama.feed_forward_length': s.hidden, 'llama.attention.head_count': s.heads,
            'llama.attention.head_count_kv': s.kv_heads, 'llama.vocab_size': s.vocab, 'llama.rope.freq_base': ROPE_BASE,
            'llama.rope.dimension_count': HEAD_SIZE, 'llama.attention.key_length': HEAD_SIZE,
            'llama.attention.value_length': HEAD_SIZE, 'llama.attention.layer_norm_rms_epsilon': NORM_EPS,
            'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'qwen2', 'tokenizer.ggml.tokens': tokenizer.tokens,
            'tokenizer.ggml.token_type': [NORMAL] * special + [CONTROL] * 3,
            'tokenizer.ggml.merges': [' '.join(pair) for pair in tokenizer.merges],
            'tokenizer.ggml.bos_token_id': special, 'tokenizer.ggml.eos_token_id': tokenizer.end,
            'tokenizer.ggml.add_bos_token': False, 'tokenizer.chat_template': CHAT_TEMPLATE}


def write(path, network, tokenizer, name):
    pairs = metadata(network, tokenizer, name)
    arrays = [(n, np.ascontiguousarray(t if isinstance(t, np.ndarray) else t.detach().numpy(), '<f4')) for n, t in tensors_of(network)]
    head = b'GGUF' + struct.pack('<IQQ', 3, len(arrays), len(pairs))
    head += b''.join(string(key) + value(of) for key, of in pairs.items())
    offset, data = 0, b''
    for tensor, array in arrays:
        dims = array.shape[::-1]
        head += string(tensor) + struct.pack(f'<I{len(dims)}QIQ', len(dims), *dims, 0, offset)
        body = array.tobytes()
        data += body + b'\0' * (-len(body) % ALIGNMENT)
        offset = len(data)
    with open(path, 'wb') as file:
        file.write(head + b'\0' * (-len(head) % ALIGNMENT) + data)


if __name__ == '__main__':
    model = load(sys.argv[1])
    if len(sys.argv) > 5:
        model.scale.data /= float(sys.argv[5])
    write(sys.argv[3], model, Tokenizer.load(sys.argv[2]), sys.argv[4])
