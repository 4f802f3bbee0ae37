"""Which language and country a message speaks, from words that only one of them uses. For rules that need to know.

This is no language identification: it answers only where a telling word is there, and says None otherwise.
"""

from __future__ import annotations

from rules.text import Folded
from rules.types import Setting

_LANGUAGES = {
    "es": frozenset(
        """
        el los las del al una unos lo y que es en con muy pero mas este esta esto estos estas ese esa eso aqui ahi alli
        hay hola gracias buenos dias tardes cuando donde quien cuanto cuanta vale tiene tienen tienes puedo puede puedes
        quiero quiere estoy soy eres sos usted ustedes nosotros vosotros mi tu su yo ella ellos hasta desde sin sobre
        hoy manana ayer ahora tambien solo ya muchas mucho bien mejor llega llego viene vino envio precio le les nos
        """.split()
    ),
    "pt": frozenset(
        """
        o os as do dos da das no na nos nas ao um uma e nao muito mas mais esse essa isso este esta isto aqui ali tem
        ola oi obrigado obrigada bom boa dia tarde quando onde quem quanto voce vc voces tu ele ela eles com sem ate
        para pra pro por hoje amanha ontem agora tambem so ja bem melhor chega chegou vem veio preco lhe nos meu minha
        seu sua estou to ta esta sou foi era fiz faz fazer ainda depois tudo nada gente cade que em pelo pela
        """.split()
    ),
    "en": frozenset(
        """
        the an and or but is are was were be been i you he she it we they my your his her its our their this that
        these those what when where who why how which not no yes do does did have has had will would can could should
        with without for from of on in at to there here some any all just still please thanks hi hello very so too im
        """.split()
    ),
}

_COUNTRIES = {
    "PT": frozenset(
        """
        rapariga telemovel autocarro comboio trotinete boleia morada encomenda miudo miuda miudos fixe giro gira pequeno
        almoco casa banho rés chao frigorifico maquina lavar ecra estas tens queres podes sabes consigo convosco voces
        bocado percebo percebi correios camisola cueca calcas sapatilhas portagem portagens facto contacto tarifario
        multibanco mbway nif utente propina propinas gelado sumo talho pastelaria betao casal tasca bica galao sandes
        """.split()
    )
    - frozenset(("casa", "estas", "lavar", "consigo", "maquina", "casal", "voces", "pequeno", "banho", "gira", "giro")),
    "BR": frozenset(
        """
        voce voces vc vcs cade celular onibus trem geladeira banheiro legal moleque cara mano mina galera grana reais
        cep cpf pix boleto motoboy encanador aluguel apartamento apê ape tela bacana beleza valeu blz né ne ta to tô
        entregador caminhonete carona cachorro tchau kkk kkkk kkkkk rs guri guria oxe eita uai
        """.split()
    )
    - frozenset(
        ("legal", "cara", "tela", "ape", "apartamento", "cachorro", "ne", "ta", "to", "carona", "trem", "mina")
    ),
    "MX": frozenset(
        "wey guey neta chido chida orale mande ahorita alv ptm chamba lana compa compas jale chela troca oxxo apartas "
        "refri platicar checar rentar carnal morro morra simon nomas tantito".split()
    ),
    "AR": frozenset(
        "vos sos tenes queres podes sabes che boludo guita laburo pibe piba celu remera heladera colectivo subte "
        "mandame decime haceme avisame fijate dale posta re quilombo birra lucas".split()
    )
    - frozenset(("re", "lucas", "mandame")),
    "ES": frozenset(
        "vosotros vosotras sois teneis quereis podeis habeis estais tio tia movil ordenador coche piso curro vale guay "
        "mola euros bizum wallapop vinted fontanero nevera recogida enchufe furgoneta".split()
    ),
}


def language(text: Folded, setting: Setting) -> str | None:
    """``es``, ``en`` or ``pt`` where the words of the message say so more than any other, else what the setting says."""
    tokens = set(text.tokens)
    counts = sorted(((len(tokens & words), name) for name, words in _LANGUAGES.items()), reverse=True)
    (most, name), (second, _), _ = counts
    return name if most > second else setting.language


def region(text: Folded, setting: Setting) -> str | None:
    """The country of the setting, or one whose words the message uses and no other's."""
    if setting.region:
        return setting.region
    tokens = set(text.tokens)
    spoken = [name for name, words in _COUNTRIES.items() if tokens & words]
    return spoken[0] if len(spoken) == 1 else None
